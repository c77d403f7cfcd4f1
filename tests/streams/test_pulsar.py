"""What is Pulsar's own: wire formats of others, schemas, messages that hold no events, raw topics, many readers."""

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import numpy as np
import pulsar
import pytest

from snnlab.errors import BusError, ConfigError
from snnlab.events import Anomaly, EventBatch, avro
from snnlab.events.shards import shard_of
from snnlab.streams.pulsar import PulsarBus
from snnlab.streams.pulsar.admin import Admin
from snnlab.streams.pulsar.group import partition
from snnlab.streams.pulsar.reading import TopicReader
from snnlab.streams.pulsar.rekey import Rekey


@pytest.fixture
def url(pulsar_url):
    return f"{pulsar_url}/streams/{uuid4().hex}"


@pytest.fixture
def bus(url):
    with PulsarBus(url) as bus:
        bus.create("web", shards=2)
        yield bus


@pytest.fixture
def client(pulsar_url):
    client = pulsar.Client(pulsar_url, logger=pulsar.FileLogger(pulsar.LoggerLevel.Error, "/dev/null"))
    yield client
    client.close()


def events(n, entity="host-1", **options):
    ids = [f"e{i}" for i in range(n)]
    return EventBatch.from_columns(np.ones((n, 2)), ["cpu", "load"], event_ids=ids, entities=[entity] * n, **options)


def topic(bus, name):
    return f"persistent://{bus.address.namespace}/{name}"


def read(bus, stream="web", shards=2, after=None):
    return [batch for shard in range(shards) for _, batch in bus.consume(stream, shard, after, 100_000)]


def test_events_of_a_producer_that_knows_only_the_schema_are_read(bus, client, url):
    producer = client.create_producer(topic(bus, "web-partition-1"), batching_enabled=True)
    for record in avro.encode_events(events(5)):
        producer.send_async(record, None)
    producer.flush()
    (batch,) = read(bus)
    assert batch.names == ("feature_0", "feature_1")
    assert (batch.event_ids, set(batch.entities.words())) == ([f"e{i}" for i in range(5)], {"host-1"})
    with PulsarBus(f"{url}?features=cpu,load") as named:
        assert read(named) == [events(5)]


class LetGo:
    """A real reader that the broker has let go of at first, as it does for a moment after a search by time."""

    def __init__(self, reader, times):
        self.reader, self.times = reader, times

    def __getattr__(self, name):
        return getattr(self.reader, name)

    def has_message_available(self):
        self.times -= 1
        if self.times >= 0:
            raise pulsar.exceptions.BrokerMetadataError("Metadata error")
        return self.reader.has_message_available()


def test_a_search_by_time_waits_until_the_broker_has_the_reader_back(bus, client):
    bus.create("one", shards=1)
    bus.publish("one", events(3))
    before = time.time_ns() // 1000 - 60_000_000
    reading = TopicReader(client, topic(bus, partition("one", 0)), None)
    reading._reader = LetGo(reading._reader, times=3)
    found = reading.since(before)
    assert reading._reader.times < 0
    reading.close()
    assert found.before.position == bus.position_at("one", 0, before)


def test_the_schemas_are_registered(bus, url):
    bus.publish_anomalies("web", [Anomaly("1f", 7, "latency_spike", 0.1, (0.25,), ("e1",))])
    with PulsarBus(f"{url}?encoding=avro") as speaking:
        speaking.publish("web", events(2))
    for name, schema in (("web.anomalies", avro.ANOMALY_EVENT), ("web", avro.NEUROMORPHIC_EVENT)):
        told = httpx.get(f"{bus.address.admin}/admin/v2/schemas/{bus.address.namespace}/{name}/schema").json()
        assert told["type"] == "AVRO"
        assert json.loads(told["data"]) == json.loads(schema)
    assert bus.consume_anomalies("web")[0][1].severity == 0.1


def test_a_message_that_holds_no_events_is_set_aside_once_and_the_shard_goes_on(bus, client):
    shard = shard_of("host-1", 2)
    bus.publish("web", events(3))
    producer = client.create_producer(topic(bus, f"web-partition-{shard}"))
    producer.send(b"\x00 no event")
    producer.send(b"no Arrow", properties={"snnlab.encoding": "arrow"})
    bus.publish("web", events(2))
    after, ids = None, []
    while found := bus.consume("web", shard, after, 2):
        after = found[-1][0]
        ids.extend(event_id for _, batch in found for event_id in batch.event_ids)
    assert ids == ["e0", "e1", "e2", "e0", "e1"]
    letters = bus.dead_letters("web")
    assert ["Avro" in letters[0].reason, "Arrow" in letters[1].reason] == [True, True]
    assert all(letter.event_id.startswith(f"web/{shard}/") for letter in letters)
    assert bus.dead_letter_count("web") == 2
    assert bus.replay_dead_letters("web").dead == 2


def test_a_large_batch_travels_in_messages_that_the_broker_takes(bus):
    values = np.random.default_rng(3).normal(size=(9000, 200))
    wide = EventBatch.from_columns(values, [f"f{i}" for i in range(200)], event_ids=[f"e{i}" for i in range(9000)])
    bus.publish("web", wide)
    assert EventBatch.concat(read(bus)) == wide


def test_two_who_read_one_shard_do_not_disturb_each_other(bus):
    bus.publish("web", events(100))
    shard, places = shard_of("host-1", 2), {"a": None, "b": None}
    seen = {"a": [], "b": []}
    for _ in range(25):
        for reader, limit in (("a", 4), ("b", 3)):
            for position, batch in bus.consume("web", shard, places[reader], limit):
                places[reader] = position
                seen[reader].extend(batch.event_ids)
    assert seen == {"a": [f"e{i}" for i in range(100)], "b": [f"e{i}" for i in range(75)]}


def test_the_names_of_the_topics_beside_a_stream_are_no_streams(bus):
    for name in ("web.anomalies", "web.dead-letters", "web.replayed-letters", "web-partition-3"):
        with pytest.raises(ConfigError, match="none of the endings"):
            bus.create(name)
    assert [info.name for info in bus.streams()] == ["web"]


def test_a_broker_that_is_not_there_is_told():
    with PulsarBus("pulsar://127.0.0.1:1") as bus, pytest.raises(BusError, match=r"http://127\.0\.0\.1:1431.*see that"):
        bus.streams()


def test_events_that_came_without_a_key_are_republished_by_it(bus, client):
    producer = client.create_producer(topic(bus, "raw"))
    users = [f"user-{i % 7}" for i in range(40)]
    for record in avro.encode_events(events(40, "all", categories={"user": [*users[:-1], None]})):
        producer.send(record)
    producer.send(b"\x00 no event")
    stage = Rekey(bus, "raw", "web", key="user")
    published = dead = 0
    while published + dead < 41:
        done = stage.step()
        published, dead = published + done.published, dead + done.dead
    stage.close()
    assert (published, dead) == (39, 2)
    found = Counter()
    for shard in range(2):
        for _, batch in bus.consume("web", shard, None, 1000):
            assert {shard_of(entity, 2) for entity in batch.entities.words()} == {shard}
            found.update(batch.entities.words())
    assert found == Counter(users[:-1])
    assert "no 'user' in metadata" in {letter.event_id: letter.reason for letter in bus.dead_letters("web")}["e39"]


def test_what_the_broker_does_not_take_is_acknowledged_negatively_and_comes_again(bus, client, monkeypatch):
    client.create_producer(topic(bus, "raw")).send(avro.encode_events(events(1))[0])
    stage = Rekey(bus, "raw", "web")

    def away(*_):
        raise BusError("the broker is away")

    def rounds():
        while not (done := stage.step()).published:
            pass
        return done.published

    with monkeypatch.context() as failing:
        failing.setattr(bus, "publish", away)
        with pytest.raises(BusError, match="away"):
            rounds()
    assert rounds() == 1
    assert len(read(bus)) == 1
    stage.close()


def test_many_may_make_the_same_tenant_and_stream_at_once(pulsar_url):
    """Pulsar answers some of them with an error of its own, not with a conflict."""
    for _ in range(5):
        fresh = f"{pulsar_url}/t-{uuid4().hex}/ns"

        def make(_, where=fresh):
            with PulsarBus(where) as bus:
                return bus.create("hosts", 2).shards

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(make, range(8))) == [2] * 8


def test_a_stream_is_waited_for_whose_name_alone_is_known(pulsar_url, monkeypatch):
    """What Pulsar may answer while another makes it."""
    unknown, asked = [(0, {})] * 3, Admin.metadata
    monkeypatch.setattr(Admin, "metadata", lambda admin, name: unknown.pop() if unknown else asked(admin, name))
    with PulsarBus(f"{pulsar_url}/t-{uuid4().hex}/ns") as bus:
        assert bus.create("hosts", 2).shards == 2
    assert not unknown


def test_what_was_fetched_before_a_time_was_sought_is_passed_over(pulsar_url, monkeypatch):
    with PulsarBus(f"{pulsar_url}/t-{uuid4().hex}/ns") as bus:
        bus.create("hosts", 1)
        first = bus.publish("hosts", events(3)).positions[0]
        time.sleep(0.01)
        at = time.time_ns() // 1000
        bus.publish("hosts", events(2))
        monkeypatch.setattr(pulsar.Reader, "seek", lambda *_: None)  # all that was fetched still comes
        assert bus.position_at("hosts", 0, at) == first


def test_who_is_behind_is_given_more_than_lies_here(bus):
    """A reader's queue holds 64 messages; batches as small would score many times slower."""
    last = None
    for at in range(300):
        one = EventBatch.from_columns(np.ones((1, 1)), ["cpu"], event_ids=[f"e{at}"], entities=["host-1"])
        last = bus.publish("web", one).positions
    (shard,) = last
    sizes, after, until = [], None, time.monotonic() + 30
    while after != last[shard] and time.monotonic() < until:
        found = bus.arrived("web", shard, after)
        if found:
            sizes.append(sum(len(batch) for _, batch in found))
            after = found[-1][0]
        time.sleep(0.05)
    assert sum(sizes) == 300
    assert max(sizes) > 200
