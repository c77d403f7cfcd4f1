import asyncio
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from snnlab.detectors import Detector
from snnlab.errors import ConfigError
from snnlab.events.arrow import encode_events
from snnlab.serving.grpc import GrpcServer, GrpcSettings
from snnlab.serving.grpc import neuromorphic_pb2 as pb
from snnlab.serving.grpc.service import NAME
from snnlab.serving.untrained import Untrained
from snnlab.workflows.locate import bento_folder

NETWORK = {"network": {"layers": [{"type": "input"}, {"type": "reservoir", "neurons": 64}, {"type": "readout"}]}}


@pytest.fixture
def model(application):
    made = application.create_model(
        Untrained("performance", name="web", features=("cpu", "latency"), neuromorphic=NETWORK, seed=1)
    )
    return made.model_id


class Stub:
    """The four calls over a channel."""

    def __init__(self, channel):
        def call(kind, name, answer):
            return kind(f"/{NAME}/{name}", lambda request: request.SerializeToString(), answer.FromString)

        self.process_event = call(channel.unary_unary, "ProcessEvent", pb.AnomalyResponse)
        self.stream_process = call(channel.stream_stream, "StreamProcess", pb.AnomalyResponse)
        self.get_neuron_state = call(channel.unary_unary, "GetNeuronState", pb.NeuronStateResponse)
        self.update_model = call(channel.unary_unary, "UpdateModel", pb.ModelUpdateResponse)


@asynccontextmanager
async def served(application, credentials=None, **settings):
    server = await GrpcServer.start(application, GrpcSettings(**{"port": 0, **settings}))
    address = f"localhost:{server.port}"
    opened = grpc.aio.secure_channel(address, credentials) if credentials else grpc.aio.insecure_channel(address)
    try:
        async with opened as channel:
            yield channel
    finally:
        await server.stop()


def calling(application, talk, **settings):
    """What ``talk``, given a stub of a server on a real channel, comes to."""

    async def whole():
        async with served(application, **settings) as channel:
            return await talk(Stub(channel))

    return asyncio.run(asyncio.wait_for(whole(), 60))


def refused(application, call, code, *words, **settings):
    async def talk(stub):
        with pytest.raises(grpc.aio.AioRpcError) as told:
            await call(stub)
        return told.value

    error = calling(application, talk, **settings)
    assert error.code() is code, error
    assert all(word in error.details() for word in words), error.details()


def event(batch, row):
    return pb.Event(
        event_id=batch.event_ids[row],
        timestamp=int(batch.timestamps[row]),
        features=batch.values[row],
        metadata={"entity": batch.entities.words()[row]},
    )


def copy_of(application, model):
    return Detector.load(application.model(model).scorer.save())


def test_one_event_is_given_the_detectors_verdict(application, model, calm):
    expected = copy_of(application, model).process(calm(1))
    request = pb.EventRequest(model_id=model, sequence=7, event=event(calm(1), 0))
    told = calling(application, lambda stub: stub.process_event(request))
    assert (told.model_id, told.sequence, told.version) == (model, 7, "1")
    assert list(told.score) == expected.score.tolist()
    assert told.threshold == expected.threshold
    assert application.model(model).scorer.detector.n_events == 1


def test_a_stream_of_events_and_of_columns_gives_what_one_batch_does(application, model, calm, with_burst):
    history, batch = calm(1500), with_burst(calm(200, begun=1500), 100)
    detector = copy_of(application, model)
    detector.process(history)
    expected = detector.process(batch)
    requests = [pb.EventRequest(model_id=model, sequence=0, arrow=encode_events(history))]
    requests += [pb.EventRequest(model_id=model, sequence=row + 1, event=event(batch, row)) for row in range(80)]
    several = pb.Events(events=[event(batch, row) for row in range(80, 90)])
    requests += [pb.EventRequest(model_id=model, sequence=81, events=several)]
    requests += [pb.EventRequest(model_id=model, sequence=82, arrow=encode_events(batch.slice(90, 200)))]

    async def talk(stub):
        return [answer async for answer in stub.stream_process(iter(requests))]

    told = calling(application, talk)
    assert [answer.sequence for answer in told] == list(range(83))
    assert np.array_equal(np.concatenate([answer.score for answer in told[1:]]), expected.score)
    assert np.array_equal(np.concatenate([answer.anomaly for answer in told[1:]]), expected.anomaly)
    found = [finding for answer in told[1:] for finding in answer.findings]
    assert {finding.event_id for finding in found} >= {
        id_ for id_, flag in zip(expected.event_id, expected.anomaly, strict=True) if flag
    }
    named = [finding for finding in found if finding.anomaly_id]
    assert named
    for finding in named:
        kept = application.anomaly(finding.anomaly_id)
        assert (kept.contributing_events, kept.anomaly_type) == ((finding.event_id,), finding.type)
    last = told[-1]
    assert {batch.event_ids[90 + finding.row] for finding in last.findings} == {one.event_id for one in last.findings}


def test_scoring_alone_teaches_nothing_and_late_events_are_told(application, model, calm):
    request = pb.EventRequest(model_id=model, arrow=encode_events(calm(50)))
    calling(application, lambda stub: stub.process_event(request))
    before = copy_of(application, model).shards[0].learnt
    alone = pb.EventRequest(model_id=model, arrow=encode_events(calm(20, begun=50)), score_only=True)
    calling(application, lambda stub: stub.process_event(alone))
    after = copy_of(application, model).shards[0].learnt
    assert all(np.array_equal(before[name], after[name]) for name in before if name.startswith("reservoir/"))
    late = event(calm(1, begun=70), 0)
    late.event_id, late.timestamp = "late", 1
    several = pb.Events(events=[event(calm(1, begun=70), 0), late])
    told = calling(application, lambda stub: stub.process_event(pb.EventRequest(model_id=model, events=several)))
    assert [(one.row, one.event_id) for one in told.rejected] == [(1, "late")]
    assert np.isnan(told.score).tolist() == [False, True]


def test_the_neurons_of_an_entity_are_told(application, model, calm):
    application.score(model, calm(30))
    shard = copy_of(application, model).shards[0]
    row = shard.pool.rows["host-3"]
    request = pb.NeuronStateRequest(model_id=model, entity="host-3")
    told = calling(application, lambda stub: stub.get_neuron_state(request))
    assert told.neurons == len(told.membrane) == 64
    assert told.events_seen == 30
    assert np.array_equal(np.float32(told.membrane), shard.state["reservoir/membrane"][row])
    assert list(told.ticks_since_spike) == shard.state["reservoir/age"][row].tolist()
    assert min(told.ticks_since_spike) < max(told.ticks_since_spike)


def test_the_neurons_of_a_deployment_are_those_of_its_last_checkpoint(application, model, bus, calm):
    worker = application.deploy(model, "hosts", shards=2)
    bus.publish("hosts", calm(40))
    until = time.monotonic() + 30
    while worker.positions() != bus.positions("hosts"):
        assert time.monotonic() < until
        time.sleep(0.02)
    detector = copy_of(application, model)
    detector.process(calm(40))
    request = pb.NeuronStateRequest(model_id=model, entity="host-1", stream="hosts")
    told = calling(application, lambda stub: stub.get_neuron_state(request))
    assert told.neurons == 64
    assert 0 < told.events_seen <= 40
    nowhere = pb.NeuronStateRequest(model_id=model, entity="host-1", stream="nowhere")
    refused(application, lambda stub: stub.get_neuron_state(nowhere), grpc.StatusCode.NOT_FOUND, "'nowhere'")


def finished(application, job_id):
    until = time.monotonic() + 30
    while (job := application.job(job_id)).status in {"queued", "running"}:
        assert time.monotonic() < until
        time.sleep(0.02)
    return job


def test_a_model_is_updated_with_events_a_stream_and_feedback(application, model, bus, calm, with_burst):
    update = pb.ModelUpdateRequest(model_id=model, arrow=encode_events(calm(1500)), labels={"e3": False})
    told = calling(application, lambda stub: stub.update_model(update))
    result = finished(application, told.job_id).result
    assert (result["events"], result["labels"]) == (1500, 1)
    several = pb.Events(events=[event(calm(10, begun=1500), row) for row in range(10)])
    told = calling(application, lambda stub: stub.update_model(pb.ModelUpdateRequest(model_id=model, events=several)))
    assert finished(application, told.job_id).result["events"] == 10
    bus.create("history", 2)
    bus.publish("history", calm(90, begun=1510))
    update = pb.ModelUpdateRequest(model_id=model, stream="history")
    told = calling(application, lambda stub: stub.update_model(update))
    assert finished(application, told.job_id).result["events"] == 90
    anomaly = application.score(model, with_burst(calm(60, begun=1600), 40)).anomalies[0]
    feedback = pb.Feedback(anomaly_id=anomaly.anomaly_id, label="normal")
    told = calling(
        application, lambda stub: stub.update_model(pb.ModelUpdateRequest(model_id=model, feedback=feedback))
    )
    assert told.status == "applied"
    assert application.metrics.snapshot().models[0].accuracy == 0.5


GOOD = {"event_id": "a", "timestamp": 1, "features": [0.5, 20.0]}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"features": [1.0]}, ["'a'", "1 features, not 2", "cpu, latency"]),
        ({"features": [1.0, np.nan]}, ["'a'", "latency"]),
        ({"event_id": ""}, ["event id ''"]),
        ({"timestamp": -1}, ["'a'", "-1"]),
    ],
)
def test_an_event_that_cannot_be_scored_is_told_and_changes_nothing(application, model, change, words):
    bad = pb.Event(**{**GOOD, **change})
    for request in (
        pb.EventRequest(model_id=model, event=bad),
        pb.EventRequest(model_id=model, events=pb.Events(events=[bad])),
    ):
        code = grpc.StatusCode.INVALID_ARGUMENT
        refused(application, lambda stub, request=request: stub.process_event(request), code, *words)
    assert application.model(model).scorer.detector.n_events == 0


@pytest.mark.parametrize(
    ("method", "request_", "code", "words"),
    [
        ("process_event", pb.EventRequest(model_id="nobody", event=GOOD), "NOT_FOUND", ["'nobody'"]),
        ("process_event", pb.EventRequest(model_id="web"), "INVALID_ARGUMENT", ["no events", "'arrow'"]),
        ("process_event", pb.EventRequest(model_id="web", arrow=b"abc"), "INVALID_ARGUMENT", ["3 bytes"]),
        ("process_event", pb.EventRequest(model_id="web", arrow=b"x" * 200_000), "RESOURCE_EXHAUSTED", ["larger"]),
        ("get_neuron_state", pb.NeuronStateRequest(model_id="nobody"), "NOT_FOUND", ["'nobody'"]),
        ("get_neuron_state", pb.NeuronStateRequest(model_id="web", entity="x"), "NOT_FOUND", ["'x'"]),
        ("update_model", pb.ModelUpdateRequest(model_id="web"), "INVALID_ARGUMENT", ["'events'", "'feedback'"]),
        ("update_model", pb.ModelUpdateRequest(model_id="web", stream="no"), "INVALID_ARGUMENT", ["'no'"]),
        (
            "update_model",
            pb.ModelUpdateRequest(model_id="web", feedback={"anomaly_id": "x", "label": "normal"}),
            "NOT_FOUND",
            ["'x'"],
        ),
    ],
)
def test_what_is_not_there_or_not_valid_has_its_status(application, model, method, request_, code, words):
    if request_.model_id == "web":
        request_.model_id = model
    call = lambda stub: getattr(stub, method)(request_)  # noqa: E731
    refused(application, call, grpc.StatusCode[code], *words, message_bytes=100_000)


def test_a_bad_request_in_a_stream_ends_it_after_the_answers_before_it(application, model, calm):
    requests = [pb.EventRequest(model_id=model, sequence=1, event=event(calm(1), 0)), pb.EventRequest(model_id=model)]

    async def talk(stub):
        call = stub.stream_process(iter(requests))
        first = await call.read()
        with pytest.raises(grpc.aio.AioRpcError) as told:
            await call.read()
        return first.sequence, told.value.code()

    assert calling(application, talk) == (1, grpc.StatusCode.INVALID_ARGUMENT)


def test_events_of_one_message_are_counted(application, model, calm):
    request = pb.EventRequest(model_id=model, arrow=encode_events(calm(11)))
    code = grpc.StatusCode.INVALID_ARGUMENT
    refused(application, lambda stub: stub.process_event(request), code, "11 events", "10", events=10)


@pytest.mark.parametrize("given", [None, "other", "k"])
@pytest.mark.parametrize("method", ["process_event", "stream_process"])
def test_a_key_is_asked_for(application, model, calm, given, method):
    request = pb.EventRequest(model_id=model, event=event(calm(1), 0))
    metadata = [("authorization", f"Bearer {given}")] if given else []

    async def talk(stub):
        if method == "process_event":
            return await stub.process_event(request, metadata=metadata)
        return await stub.stream_process(iter([request]), metadata=metadata).read()

    if given == "k":
        assert calling(application, talk, key="k").model_id == model
    else:
        refused(application, talk, grpc.StatusCode.UNAUTHENTICATED, "SNNLAB_API_KEY", key="k")


def test_without_a_key_nobody_from_outside_is_answered(application, model, calm):
    request = pb.EventRequest(model_id=model, event=event(calm(1), 0))
    code = grpc.StatusCode.UNAUTHENTICATED
    refused(application, lambda stub: stub.process_event(request), code, "no key", host="0.0.0.0")  # noqa: S104


def test_health_is_free_and_reflection_tells_the_service(application):
    async def whole(key, metadata):
        async with served(application, key=key) as channel:
            checked = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=NAME))
            asked = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
            reflected = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(asked, metadata=metadata)
            names = [one.name async for answer in reflected for one in answer.list_services_response.service]
            return checked.status, names

    status, names = asyncio.run(whole("k", [("authorization", "Bearer k")]))
    assert status == health_pb2.HealthCheckResponse.SERVING
    assert NAME in names
    with pytest.raises(grpc.aio.AioRpcError) as told:
        asyncio.run(whole("k", []))
    assert told.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_it_speaks_tls(application, model, calm, tmp_path):
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost"
    subject = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(cert)]
    subprocess.run([*command.split(), *subject], check=True, capture_output=True)
    request = pb.EventRequest(model_id=model, event=event(calm(1), 0))
    trusted = grpc.ssl_channel_credentials(cert.read_bytes())
    tls = {"tls_cert": cert, "tls_key": key}
    assert calling(application, lambda stub: stub.process_event(request), credentials=trusted, **tls).model_id == model
    refused(application, lambda stub: stub.process_event(request), grpc.StatusCode.UNAVAILABLE, **tls)
    key.write_text("no key")
    with pytest.raises(ConfigError, match=r"key\.pem is no PEM file"):
        asyncio.run(GrpcServer.start(application, GrpcSettings(port=0, **tls)))


def test_settings_come_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("SNNLAB_API_KEY", "k")
    monkeypatch.setenv("SNNLAB_GRPC_PORT", "4001")
    monkeypatch.setenv("SNNLAB_GRPC_HOST", "::1")
    settings = GrpcSettings.load()
    assert settings.address == "[::1]:4001"
    assert settings.key.get_secret_value() == "k"
    monkeypatch.delenv("SNNLAB_GRPC_HOST")
    assert GrpcSettings.load().host == "0.0.0.0"  # noqa: S104 - no socket of BentoML's that would be loopback
    monkeypatch.setenv("SNNLAB_GRPC_TLS_CERT", str(tmp_path / "c.pem"))
    with pytest.raises(ConfigError, match="SNNLAB_GRPC_TLS_KEY"):
        GrpcSettings.load()
    monkeypatch.setenv("SNNLAB_GRPC_PORT", "http")
    with pytest.raises(ConfigError, match="http"):
        GrpcSettings.load()


def test_the_messages_are_those_of_the_proto_file(tmp_path):
    pytest.importorskip("grpc_tools")
    source = bento_folder() / "neuromorphic.proto"
    make = [sys.executable, "-m", "grpc_tools.protoc", "-I", str(source.parent)]
    subprocess.run([*make, f"--python_out={tmp_path}", f"--pyi_out={tmp_path}", str(source)], check=True)
    for name in ("neuromorphic_pb2.py", "neuromorphic_pb2.pyi"):
        assert (tmp_path / name).read_text() == Path(pb.__file__).with_name(name).read_text()
    methods = pb.DESCRIPTOR.services_by_name["NeuromorphicService"].methods_by_name
    assert list(methods) == ["ProcessEvent", "StreamProcess", "GetNeuronState", "UpdateModel"]


def test_two_services_do_not_share_a_port(application):
    async def both():
        first = await GrpcServer.start(application, GrpcSettings(port=0))
        try:
            with pytest.raises(ConfigError, match="SNNLAB_GRPC_PORT"):
                await GrpcServer.start(application, GrpcSettings(port=first.port))
        finally:
            await first.stop()

    asyncio.run(both())
