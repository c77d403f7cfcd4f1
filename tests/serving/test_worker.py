import time

import numpy as np
import pytest

from snnlab.detectors import Detector
from snnlab.errors import ModelFormatError, StoreError
from snnlab.events import EventBatch
from snnlab.serving.assignment import Assignment, Pace
from snnlab.serving.history import read
from snnlab.serving.metrics import Metrics
from snnlab.serving.patterns import PatternMemory
from snnlab.serving.scorer import Scorer
from snnlab.serving.worker import Worker
from snnlab.stores import AnomalyFilter

EAGER = Pace(batch=100, checkpoint_s=0.0, poll_s=0.01, hold_s=5.0)


@pytest.fixture
def body(calm):
    detector = Detector.build("performance", names=["cpu", "latency"], entities=True, seed=1)
    detector.process(calm(1200))
    return detector.save()


@pytest.fixture
def metrics():
    return Metrics()


@pytest.fixture
def make(bus, store, body, metrics):
    bus.create("hosts", 2)

    def load(content):
        return Scorer(Detector.load(content), "web", 1, metrics, PatternMemory(store))

    def made(pace=EAGER, **changes):
        assignment = Assignment("web", 1, "hosts", 2, body)
        return Worker(changes.get("bus", bus), changes.get("store", store), assignment, load, metrics, pace)

    return made


def drained(worker):
    while worker.step():
        pass
    return worker


def published(bus):
    return {one.anomaly_id: one for _, one in bus.consume_anomalies("hosts", limit=10_000)}


def test_a_stream_is_scored_and_acknowledged(make, bus, store, calm, with_burst):
    bus.publish("hosts", with_burst(calm(300, begun=1200), 200))
    worker = drained(make())
    assert worker.processed == 300
    assert worker.positions() == bus.positions("hosts")
    assert {shard: bus.committed("web", "hosts", shard) for shard in (0, 1)} == bus.positions("hosts")
    assert published(bus)
    assert set(published(bus)) == {one.anomaly_id for one in store.anomalies(AnomalyFilter(stream="hosts")).items}
    worker.stop()
    assert store.leases() == []


def test_a_restart_after_a_crash_gives_the_same_anomalies_once(make, bus, store, body, calm, with_burst):
    events = with_burst(calm(600, begun=1200), 450)
    bus.publish("hosts", events)
    detectors = {0: Detector.load(body), 1: Detector.load(body)}
    expected = set()
    for shard, detector in detectors.items():
        for _, batch in bus.consume("hosts", shard, None, 10_000):
            expected |= {one.anomaly_id for one in detector.process(batch).to_anomalies("web", "hosts", 1)}
    crashed = make(Pace(batch=100, checkpoint_s=1000.0, hold_s=0.05))
    crashed.step()
    crashed.step()
    time.sleep(0.1)
    second = make(Pace(batch=70, checkpoint_s=0.0, hold_s=5.0))
    drained(second).stop()
    assert set(published(bus)) == expected
    assert {one.anomaly_id for one in store.anomalies(limit=1000).items} == expected
    assert read(store, second.assignment.key(0)).detector().n_events == detectors[0].n_events


def test_events_at_or_before_the_checkpoint_are_skipped(make, bus, store, calm):
    bus.publish("hosts", calm(100, begun=1200))
    drained(make()).stop()
    for shard in (0, 1):
        bus.seek("web", "hosts", shard, None)
    again = drained(make())
    assert again.processed == 0
    bus.publish("hosts", calm(10, begun=1300))
    assert drained(again).processed == 10
    again.stop()


def test_a_worker_that_lost_its_shard_writes_nothing(make, bus, store, calm):
    bus.publish("hosts", calm(100, begun=1200))
    slow = make(Pace(batch=10, checkpoint_s=0.0, hold_s=0.05))
    slow.step()
    time.sleep(0.1)
    quick = drained(make())
    before = {shard: store.load(quick.assignment.key(shard)).epoch for shard in (0, 1)}
    slow.step()
    assert {shard: store.load(quick.assignment.key(shard)).epoch for shard in (0, 1)} == before
    assert quick.processed == 100 - slow.processed
    quick.stop()


def test_anomalies_are_gone_after_their_time_and_their_rows_with_them(make, bus, store, calm, with_burst):
    pace = Pace(batch=200, checkpoint_s=0.0, poll_s=0.01, keep_s=0.5)
    bus.publish("hosts", with_burst(calm(200, begun=1200), 100))
    first = make(pace)
    while first.step():
        pass
    first.stop()
    assert store.anomalies().items
    time.sleep(0.6)
    assert not store.anomalies().items
    second = make(pace)
    second.step()
    second.stop()
    assert store.expire() == 0  # the worker has removed them


def test_a_batch_that_cannot_be_scored_is_set_aside_and_the_stream_goes_on(make, bus, calm, metrics):
    bus.publish("hosts", EventBatch.from_columns(np.ones((4, 1)), ["watts"], entities=["host-0"] * 4))
    bus.publish("hosts", calm(50, begun=1200))
    worker = drained(make())
    worker.stop()
    letters = bus.dead_letters("hosts")
    assert len(letters) == 4
    assert all("cpu" in letter.reason for letter in letters)
    assert worker.processed == 54
    assert metrics.snapshot().dead_letters == 4
    assert metrics.snapshot().events_processed == 50


def test_an_event_that_is_too_late_is_set_aside_alone(make, bus, calm):
    batch = calm(20, begun=1200, entities=1)
    late = EventBatch.from_columns(
        [[0.5, 20.0]], ["cpu", "latency"], timestamps=[1_000_000], event_ids=["late"], entities=["host-0"]
    )
    bus.publish("hosts", EventBatch.concat([batch, late]))
    drained(make()).stop()
    assert [letter.event_id for letter in bus.dead_letters("hosts")] == ["late"]


class Failing:
    """A store whose anomalies cannot be written for a while."""

    def __init__(self, store):
        self.store = store
        self.failing = True

    def __getattr__(self, name):
        return getattr(self.store, name)

    def put_anomalies(self, anomalies, **options):
        if self.failing:
            raise StoreError("no room on the disk; make some")
        self.store.put_anomalies(anomalies, **options)


def test_a_failing_store_loses_nothing(make, bus, store, calm, with_burst):
    failing = Failing(store)
    worker = make(store=failing)
    worker.start()
    bus.publish("hosts", with_burst(calm(200, begun=1200), 100))
    until = time.monotonic() + 20
    while not worker.failure and time.monotonic() < until:
        time.sleep(0.01)
    assert "no room" in worker.failure
    failing.failing = False
    while worker.positions() != bus.positions("hosts") and time.monotonic() < until:
        time.sleep(0.01)
    assert worker.running
    worker.stop()
    assert not worker.running
    assert bus.dead_letter_count("hosts") == 0
    assert set(published(bus)) == {one.anomaly_id for one in store.anomalies().items}
    assert published(bus)


def test_a_shard_whose_checkpoint_cannot_be_used_waits_and_the_others_go_on(make, bus, store, calm, monkeypatch):
    bus.publish("hosts", calm(100, begun=1200))
    first = drained(make())
    bad, good = first.positions()
    first.stop()
    damaged, load = first.assignment.key(bad), store.load

    def of(key):
        if key == damaged:
            raise ModelFormatError("40 bytes are damaged")
        return load(key)

    monkeypatch.setattr(store, "load", of)
    bus.publish("hosts", calm(100, begun=1300))
    second = make()
    second.start()
    until = time.monotonic() + 30
    while not (second.failure and second.positions().get(good) == bus.positions("hosts")[good]):
        assert time.monotonic() < until
        time.sleep(0.01)
    assert f"shard {bad} of 'hosts'" in second.failure
    assert "40 bytes are damaged" in second.failure
    assert bad not in second.positions()
    assert bus.dead_letter_count("hosts") == 0
    second.stop()
    assert damaged not in {lease.key for lease in store.leases()}


class Counting:
    """A bus that counts how often it is asked."""

    def __init__(self, bus):
        self.bus, self.asked, self.looks = bus, 0, 0

    def __getattr__(self, name):
        return getattr(self.bus, name)

    def arrived(self, *given):
        self.looks += 1
        return self.bus.arrived(*given)

    def waiting(self, *given):
        self.asked += 1
        return self.bus.waiting(*given)


class Silent(Counting):
    """A bus to which nothing comes by itself."""

    def arrived(self, *given):
        self.looks += 1
        return []


def test_a_worker_asks_the_broker_seldom_and_looks_often(make, bus, calm):
    counting = Counting(bus)
    worker = make(bus=counting)
    worker.start()
    bus.publish("hosts", calm(40, begun=1200))
    until = time.monotonic() + 20
    while worker.processed < 40 and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(1.2)
    worker.stop()
    assert worker.processed == 40
    assert counting.looks > 2 * counting.asked > 0


def test_what_does_not_come_by_itself_is_asked_for(make, bus, calm):
    worker = make(bus=Silent(bus))
    bus.publish("hosts", calm(40, begun=1200))
    assert drained(worker).processed == 40
    worker.start()
    bus.publish("hosts", calm(10, begun=1240))
    until = time.monotonic() + 20
    while worker.processed < 50 and time.monotonic() < until:
        time.sleep(0.01)
    worker.stop()
    assert worker.processed == 50
