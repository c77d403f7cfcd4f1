"""Traces through a real Pulsar: the context of a producer's span comes as a property, and goes on with the anomaly."""

import pulsar
import pytest

from snnlab import streams, tracing
from snnlab.detectors import Detector
from snnlab.serving.assignment import Assignment, Pace
from snnlab.serving.metrics import Metrics
from snnlab.serving.patterns import PatternMemory
from snnlab.serving.scorer import Scorer
from snnlab.serving.worker import Worker
from snnlab.streams.pulsar.rekey import Rekey
from snnlab.streams.pulsar.wire import as_avro

STREAM, SHARDS = "hosts", 4
FAR = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def work(live, model):
    """Lets a worker score all that the stream holds."""
    bus, store = live
    _, name, version, body = model

    def load(content):
        return Scorer(Detector.load(content), name, version, Metrics(), PatternMemory(store))

    def done():
        pace = Pace(batch=200, checkpoint_s=0.0, poll_s=0.02, hold_s=5.0)
        worker = Worker(bus, store, Assignment(name, version, STREAM, SHARDS, body), load, Metrics(), pace)
        while worker.step():
            pass
        worker.stop()
        return worker.processed

    return done


def properties(url, topic, count):
    """The properties of the first messages of a topic, as any client of Pulsar's sees them."""
    client = pulsar.Client(url, logger=pulsar.FileLogger(pulsar.LoggerLevel.Error, "/dev/null"))
    try:
        reader = client.create_reader(topic, pulsar.MessageId.earliest)
        return [reader.read_next(timeout_millis=20_000).properties() for _ in range(count)]
    finally:
        client.close()


def test_an_anomaly_message_leads_back_to_the_producer(traced, live, work, events, pulsar_url):
    bus, _ = live
    with tracing.span("producer"):
        bus.publish(STREAM, events(300, begun=1200))
    assert work() == 300
    told = bus.consume_anomalies(STREAM, limit=1000)
    assert told
    anomalies = properties(pulsar_url, f"persistent://{bus.address.namespace}/{STREAM}.anomalies", len(told))
    traced.sent()
    (producer,), (sent,) = traced.named("producer"), traced.named(f"publish {STREAM}")
    worked = {one.id: one for one in traced.named(f"process {STREAM}")}
    published = {one.id: one for one in traced.named(f"publish {STREAM}.anomalies")}
    assert {(one.trace, one.parent) for one in worked.values()} == {(producer.trace, sent.id)}
    assert {one.attributes["snnlab.shard"] for one in worked.values()} == set(bus.positions(STREAM))
    carried = [one["traceparent"].split("-")[1:3] for one in anomalies]
    assert {trace for trace, _ in carried} == {producer.trace}
    assert {published[span].parent in worked for _, span in carried} == {True}
    detectors = traced.named("detector.process")
    assert {one.parent for one in detectors} == set(worked)


def test_a_batch_that_mixes_producers_is_linked_to_each(traced, work, events, bus_url):
    sent = events(40, begun=1200, entities=1)
    with streams.connect(f"{bus_url}?encoding=avro") as producer:
        for start in (0, 20):
            with tracing.span("producer", start=start):
                producer.publish(STREAM, sent.slice(start, start + 20))
    assert work() == 40
    traced.sent()
    published = traced.named(f"publish {STREAM}")
    (worked,) = traced.named(f"process {STREAM}")
    assert worked.parent == ""
    assert worked.links == {(one.trace, one.id) for one in published}
    assert len(published) == 2


def test_a_context_of_any_producer_passes_the_rekey_stage(traced, live, work, events, pulsar_url):
    bus, _ = live
    client = pulsar.Client(pulsar_url, logger=pulsar.FileLogger(pulsar.LoggerLevel.Error, "/dev/null"))
    sender = client.create_producer(f"persistent://{bus.address.namespace}/raw")
    for one in as_avro(events(3, begun=1200, entities=1)):
        sender.send(one.body, properties={**one.properties, "traceparent": FAR})
    client.close()
    stage = Rekey(bus, "raw", STREAM)
    published = 0
    while published < 3:
        published += stage.step().published
    stage.close()
    assert work() == 3
    traced.sent()
    again = traced.named(f"publish {STREAM}")
    assert {(one.trace, one.parent) for one in again} == {tuple(FAR.split("-")[1:3])}
    worked = traced.named(f"process {STREAM}")
    assert {one.trace for one in worked} == {FAR.split("-")[1]}
    assert {one.parent for one in worked} <= {one.id for one in again}
