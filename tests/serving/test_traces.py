"""A trace leads from whoever asked or published, through the bus and the detector, to the anomaly."""

import asyncio
import json
import time

import grpc
import numpy as np
import pytest

from snnlab import tracing
from snnlab.events import EventBatch
from snnlab.events.arrow import encode_events
from snnlab.serving.grpc import GrpcServer, GrpcSettings
from snnlab.serving.grpc import neuromorphic_pb2 as pb
from snnlab.serving.grpc.service import NAME

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
FAR = f"00-{TRACE}-{CALLER}-01"
BASE = "/api/v1"


def only(spans, name):
    (found,) = [one for one in spans if one.name == name]
    return found


def test_a_request_and_its_detector_are_of_the_callers_trace(traced, client, model, calm, as_json):
    path = f"{BASE}/models/{model}/score"
    assert client.post(path, json={"events": as_json(calm(20))}, headers={"traceparent": FAR}).status_code == 200
    assert client.get(f"{BASE}/models/nobody", headers={"traceparent": FAR}).status_code == 404
    spans = traced.sent()
    asked = only(spans, f"POST {BASE}/models/{{model_id}}/score")
    worked = only(spans, "detector.process")
    assert (asked.trace, asked.parent, asked.kind) == (TRACE, CALLER, "server")
    assert asked.attributes["http.response.status_code"] == 200
    assert (worked.trace, worked.parent) == (TRACE, asked.id)
    told = {"snnlab.model": model, "snnlab.n_events": 20, "snnlab.n_anomalies": 0, "snnlab.n_rejected": 0}
    assert worked.attributes == told
    missed = only(spans, f"GET {BASE}/models/{{model_id}}")
    assert (missed.trace, missed.attributes["http.response.status_code"], missed.failed) == (TRACE, 404, False)


def test_calls_over_grpc_and_sockets_are_of_the_callers_trace(traced, client, application, model, bus, calm):
    bus.create("hosts", 1)
    with client.websocket_connect("/ws/anomalies/hosts", headers={"traceparent": FAR}):
        pass

    async def talk():
        server = await GrpcServer.start(application, GrpcSettings(port=0))
        metadata = (("traceparent", FAR),)
        try:
            async with grpc.aio.insecure_channel(f"localhost:{server.port}") as channel:
                once = channel.unary_unary(f"/{NAME}/ProcessEvent", pb.EventRequest.SerializeToString)
                stream = channel.stream_stream(f"/{NAME}/StreamProcess", pb.EventRequest.SerializeToString)
                asked = [pb.EventRequest(model_id=model, arrow=encode_events(calm(5, begun=at))) for at in (0, 5, 10)]
                await once(asked[0], metadata=metadata)
                return [answer async for answer in stream(iter(asked[1:]), metadata=metadata)]
        finally:
            await server.stop()

    assert len(asyncio.run(asyncio.wait_for(talk(), 60))) == 2
    eventually(lambda: traced.named("GET /ws/anomalies/{stream_id}"))
    spans = traced.sent()
    once, stream = only(spans, f"{NAME}/ProcessEvent"), only(spans, f"{NAME}/StreamProcess")
    socket = only(spans, "GET /ws/anomalies/{stream_id}")
    assert {(one.trace, one.parent, one.kind) for one in (once, stream, socket)} == {(TRACE, CALLER, "server")}
    parents = [one.parent for one in spans if one.name == "detector.process"]
    assert sorted(parents) == sorted([once.id, stream.id, stream.id])


def eventually(holds):
    until = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_an_anomaly_leads_back_to_the_span_that_published_its_event(
    traced, client, application, model, bus, calm, with_burst
):
    application.score(model, calm(1200))
    client.post(f"{BASE}/models/{model}/deploy", json={"stream": "hosts", "shards": 2})
    with tracing.span("producer"):
        bus.publish("hosts", with_burst(calm(100, begun=1200, entities=1), 80))
    eventually(lambda: bus.consume_anomalies("hosts"))
    application.close()
    spans = traced.sent()
    producer, sent, told = (only(spans, name) for name in ("producer", "publish hosts", "publish hosts/anomalies"))
    worked = only(spans, "process hosts")
    detector = next(one for one in spans if one.name == "detector.process" and one.parent == worked.id)
    assert {one.trace for one in (producer, sent, told, worked, detector)} == {producer.trace}
    assert (sent.parent, worked.parent, told.parent) == (producer.id, sent.id, worked.id)
    assert (sent.kind, worked.kind, told.kind) == ("producer", "consumer", "producer")
    expected = {"snnlab.model": model, "snnlab.stream": "hosts", "snnlab.n_events": 100}
    assert expected.items() <= worked.attributes.items()
    assert worked.attributes["snnlab.shard"] in {0, 1}
    assert sent.attributes["messaging.batch.message_count"] == 100
    with bus._database.read() as connection:
        (body,) = connection.execute("SELECT body FROM log WHERE topic = 'hosts/anomalies' LIMIT 1").fetchone()
    carried = json.loads(body)["traceparent"]
    assert carried.split("-")[1:3] == [told.trace, told.id]


def test_events_published_without_traces_have_traces_of_their_own(traced, client, application, model, bus, calm):
    client.post(f"{BASE}/models/{model}/deploy", json={"stream": "hosts", "shards": 1})
    tracing.stop()
    bus.publish("hosts", calm(10))
    assert tracing.start("tests")
    eventually(lambda: sum(worker.processed for worker in application.deployments(model)) == 10)
    application.close()
    worked = only(traced.sent(), "process hosts")
    assert (worked.parent, worked.links) == ("", set())


@pytest.mark.parametrize("count", [1, 3])
def test_what_is_refused_leaves_no_context_behind(traced, bus, count):
    bus.create("hosts", 1)
    values = np.full((count, 1), np.nan)
    published = bus.publish("hosts", EventBatch.from_columns(values, ["cpu"]))
    assert (published.accepted, published.dead) == (0, count)
    assert only(traced.sent(), "publish hosts").attributes["messaging.batch.message_count"] == 0
