"""The service's gRPC interface over TLS with a key, as it is started in production; and whom it does not let in."""

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from snnlab.serving.grpc import neuromorphic_pb2 as pb
from snnlab.serving.grpc.service import NAME


@pytest.fixture
def opened(served):
    """Opens a channel to the service that trusts an authority."""
    channels = []

    def channel(ca=None, address=served.server.grpc):
        trusted = grpc.ssl_channel_credentials((ca or served.ca).read_bytes())
        channels.append(grpc.secure_channel(address, trusted))
        return channels[-1]

    yield channel
    for one in channels:
        one.close()


def scored(channel, events, key=None):
    call = channel.unary_unary(f"/{NAME}/ProcessEvent", response_deserializer=pb.AnomalyResponse.FromString)
    request = pb.EventRequest(model_id="other", event=events(1, begun=1200)[0], score_only=True)
    metadata = (("authorization", key),) if key else ()
    return call(request.SerializeToString(), metadata=metadata, timeout=20)


def status(*arguments):
    with pytest.raises(grpc.RpcError) as refused:
        scored(*arguments)
    return refused.value.code()


def test_who_has_the_key_is_answered_over_tls(served, opened, events):
    assert len(scored(opened(), events, f"Bearer {served.key}").score) == 1


@pytest.mark.parametrize("key", [None, "Bearer", "Bearer x", "Basic a2V5", "Bearer a key of the tests' own2"])
def test_without_the_key_nobody_is_answered(opened, events, key):
    assert status(opened(), events, key) is grpc.StatusCode.UNAUTHENTICATED


def test_streams_and_reflection_need_the_key_too_and_health_does_not(opened):
    channel = opened()
    stream = channel.stream_stream(f"/{NAME}/StreamProcess")(iter([b""]), timeout=20)
    asked = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(
        iter([reflection_pb2.ServerReflectionRequest(list_services="")]), timeout=20
    )
    for answers in (stream, asked):
        with pytest.raises(grpc.RpcError) as refused:
            next(answers)
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    healthy = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=20)
    assert healthy.status == health_pb2.HealthCheckResponse.SERVING


def test_a_server_that_is_not_who_it_should_be_is_not_told_the_key(served, opened, events, stranger):
    key = f"Bearer {served.key}"
    assert status(opened(stranger.ca), events, key) is grpc.StatusCode.UNAVAILABLE
    port = served.server.grpc.rpartition(":")[2]
    assert status(opened(address=f"localhost:{port}"), events, key) is grpc.StatusCode.UNAVAILABLE


def test_without_tls_nobody_is_answered(served, events):
    with grpc.insecure_channel(served.server.grpc) as channel:
        assert status(channel, events, f"Bearer {served.key}") is grpc.StatusCode.UNAVAILABLE
