"""A checkpoint beside the stream: the worker goes on meanwhile, and acknowledges when it is written and not before."""

import threading
import time

import pytest

from snnlab.detectors import Detector
from snnlab.errors import StoreError
from snnlab.serving.assignment import Assignment, Pace
from snnlab.serving.history import read
from snnlab.serving.journal import Journal
from snnlab.serving.metrics import Metrics
from snnlab.serving.patterns import PatternMemory
from snnlab.serving.scorer import Scorer
from snnlab.serving.worker import Worker

BESIDE = Pace(batch=50, checkpoint_s=1e-6, poll_s=0.01, hold_s=30.0, share=1.0)


@pytest.fixture(scope="module")
def body(calm):
    detector = Detector.build("performance", names=["cpu", "latency"], entities=True, seed=1)
    detector.process(calm(1200))
    return detector.save()


class Watched:
    """A store whose pieces can be held up, or fail, and which tells of the calls that matter."""

    def __init__(self, store, told):
        self.store, self.told = store, told
        self.open = threading.Event()
        self.open.set()
        self.writing = threading.Event()
        self.fails = False

    def __getattr__(self, name):
        return getattr(self.store, name)

    def put_pieces(self, *given):
        self.writing.set()
        assert self.open.wait(30)
        if self.fails:
            raise StoreError("no room on the disk; make some")
        return self.store.put_pieces(*given)

    def save(self, lease, position, *given):
        written = self.store.save(lease, position, *given)
        self.told.append(("saved", position))
        return written


class Telling:
    """A bus that tells of what is published and acknowledged."""

    def __init__(self, bus, told):
        self.bus, self.told = bus, told

    def __getattr__(self, name):
        return getattr(self.bus, name)

    def commit(self, subscription, stream, shard, position):
        self.told.append(("acknowledged", position))
        self.bus.commit(subscription, stream, shard, position)

    def publish_anomalies(self, stream, anomalies, **options):
        self.told.append(("published", len(anomalies)))
        return self.bus.publish_anomalies(stream, anomalies, **options)


@pytest.fixture
def watched(bus, store, body):
    bus.create("hosts", 1)
    told, metrics = [], Metrics()
    kept = Watched(store, told)

    def load(content):
        return Scorer(Detector.load(content), "web", 1, metrics, PatternMemory(store))

    def made():
        return Worker(Telling(bus, told), kept, Assignment("web", 1, "hosts", 1, body), load, metrics, BESIDE)

    yield kept, told, made
    kept.open.set()


def drain(worker):
    """Step until something is wrong."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        worker.step()


def begin(worker, kept):
    """Step until a checkpoint is being written."""
    while not kept.writing.is_set():
        worker.step()
        time.sleep(0.001)


def test_the_stream_goes_on_while_a_checkpoint_is_written(watched, bus, calm):
    kept, told, made = watched
    worker = made()
    kept.open.clear()
    bus.publish("hosts", calm(50, begun=1200))
    begin(worker, kept)
    bus.publish("hosts", calm(150, begun=1250))
    while worker.step():
        pass
    assert worker.processed == 200
    assert worker.positions() == {}
    assert ("saved", 49) not in told
    kept.open.set()
    until = time.monotonic() + 20
    while worker.positions() != {0: 199} and time.monotonic() < until:
        worker.step()
    marks = [one for one in told if one[0] != "published"]
    assert marks[:2] == [("saved", 49), ("acknowledged", 49)]
    assert marks[-2:] == [("saved", 199), ("acknowledged", 199)]
    worker.stop()


def test_what_is_acknowledged_was_published_and_saved_before(watched, bus, calm, with_burst):
    _, told, made = watched
    bus.publish("hosts", with_burst(calm(300, begun=1200), 120))
    worker = made()
    while worker.step():
        pass
    worker.stop()
    assert sum(count for what, count in told if what == "published") > 0
    for at, (what, position) in enumerate(told):
        if what == "acknowledged":
            assert ("saved", position) in told[:at]
    assert told[-1] == ("acknowledged", 299)
    first = next(at for at, (what, _) in enumerate(told) if what == "published")
    assert all(position < 120 for what, position in told[:first] if what != "published")


def test_a_checkpoint_that_fails_is_told_and_the_shard_starts_again(watched, bus, store, body, calm, with_burst):
    kept, _, made = watched
    events = with_burst(calm(400, begun=1200), 320)
    bus.publish("hosts", events.slice(0, 200))
    worker = made()
    while worker.step() or worker.positions() != {0: 199}:
        pass
    kept.fails = True
    bus.publish("hosts", events.slice(200, 400))
    with pytest.raises(StoreError, match="no room") as failed:
        drain(worker)
    worker._fail(failed.value)
    assert store.load(worker.assignment.key(0)).position == 199
    kept.fails = False
    while worker.step() or worker.positions() != {0: 399}:
        pass
    worker.stop()
    undisturbed = Detector.load(body)
    undisturbed.restart(clocks=False)
    undisturbed.process(events)
    assert read(store, worker.assignment.key(0)).detector().save() == undisturbed.save()


def test_a_worker_that_stops_waits_for_what_is_written(watched, bus, store, calm):
    kept, told, made = watched
    worker = made()
    kept.open.clear()
    bus.publish("hosts", calm(50, begun=1200))
    begin(worker, kept)
    bus.publish("hosts", calm(30, begun=1250))
    worker.step()
    threading.Timer(0.2, kept.open.set).start()
    worker.stop()
    assert store.load(worker.assignment.key(0)).position == 79
    assert told[-1] == ("acknowledged", 79)
    assert store.leases() == []


def test_a_worker_may_start_again(watched, bus, calm):
    kept, _, made = watched
    worker = made()
    for begun in (1200, 1300):
        bus.publish("hosts", calm(20, begun=begun))
        while worker.step():
            pass
        worker.stop()
    assert kept.store.load(worker.assignment.key(0)).position == 39


def test_a_checkpoint_rests_between_its_pieces_until_it_is_waited_for(watched, bus, calm, monkeypatch):
    kept, told, made = watched
    monkeypatch.setattr("snnlab.serving.rests._SHARE", 1e9)  # each rest is the longest
    monkeypatch.setattr("snnlab.serving.rests._LONGEST_S", 1000.0)
    worker = made()
    bus.publish("hosts", calm(50, begun=1200))
    begin(worker, kept)
    assert worker.positions() == {}
    begun = time.monotonic()
    worker.stop()
    assert time.monotonic() - begun < 60
    assert told[-1] == ("acknowledged", 49)


def test_what_a_checkpoint_rests_is_no_work_of_its(watched, bus, calm, monkeypatch):
    kept, _, made = watched
    monkeypatch.setattr("snnlab.serving.rests._SHARE", 1e9)
    monkeypatch.setattr("snnlab.serving.rests._LONGEST_S", 0.2)
    costs = []
    monkeypatch.setattr(Journal, "checkpoint", lambda self, shard, position, seconds: costs.append(seconds))
    worker = made()
    bus.publish("hosts", calm(50, begun=1200))
    begin(worker, kept)
    begun = time.monotonic()
    while not costs:
        worker.step()
    rested = time.monotonic() - begun
    worker.stop()
    assert rested > 0.2  # at least one piece, and a rest after it
    assert costs[0] < rested - 0.15
