"""How far a worker is behind, as the bus and the worker tell it."""

import math
import time

import pytest

from snnlab.detectors import Detector
from snnlab.errors import BusError
from snnlab.serving.assignment import Assignment, Pace
from snnlab.serving.lag import LagWatch
from snnlab.serving.metrics import Metrics
from snnlab.serving.patterns import PatternMemory
from snnlab.serving.scorer import Scorer
from snnlab.serving.worker import Worker


@pytest.fixture
def worker(bus, store):
    bus.create("hosts", 2)
    body = Detector.build("performance", names=["cpu", "latency"], entities=True, seed=1).save()
    metrics, patterns = Metrics(), PatternMemory(store)

    def load(content):
        return Scorer(Detector.load(content), "web", 1, metrics, patterns)

    pace = Pace(batch=100, checkpoint_s=1000.0)
    return Worker(bus, store, Assignment("web", 1, "hosts", 2, body), load, metrics, pace)


def told(bus, worker, metrics, clock=time.time):
    LagWatch(bus, lambda: [worker], metrics, clock=clock).look()
    (stream,) = metrics.snapshot().streams
    return stream


def test_a_backlog_grows_old_until_it_is_acknowledged(bus, worker, calm):
    metrics = Metrics()
    assert (told(bus, worker, metrics).backlog_messages, told(bus, worker, metrics).lag_seconds) == (0, 0.0)
    bus.publish("hosts", calm(60))
    later = told(bus, worker, metrics, clock=lambda: time.time() + 100)
    assert later.backlog_messages == 2
    assert 100 <= later.lag_seconds < 130
    assert later.checkpoint_age_seconds == 0
    worker.step()
    assert told(bus, worker, metrics).backlog_messages == 2  # acknowledged with the checkpoint, and not before
    worker.stop()
    after = told(bus, worker, metrics)
    assert (after.backlog_messages, after.lag_seconds, after.checkpoint_age_seconds) == (0, 0.0, 0.0)


def test_what_is_in_no_checkpoint_grows_old_until_one_is_written(bus, worker, calm):
    now, metrics = [1000.0], Metrics()
    watch = LagWatch(bus, lambda: [worker], metrics, clock=lambda: now[0])

    def age(later=0.0):
        now[0] += later
        watch.look()
        (stream,) = metrics.snapshot().streams
        return stream.checkpoint_age_seconds

    assert age() == 0
    bus.publish("hosts", calm(60))
    assert age(50.0) == 0  # nothing is scored yet
    worker.step()
    assert (age(), age(7.0), age(5.0)) == (0, 7, 12)
    worker.stop()
    assert age(100.0) == 0


def test_what_a_bus_that_is_away_does_not_tell_is_no_number(bus, worker, monkeypatch):
    def away(*_):
        raise BusError("away")

    metrics = Metrics()
    monkeypatch.setattr(bus, "backlog", away)
    worker.failure = "away"
    stream = told(bus, worker, metrics)
    assert (stream.backlog_messages, stream.lag_seconds, stream.failing) == (None, None, True)
    assert math.isnan(next(iter(metrics._behind.values())).lag_s)


def test_a_service_tells_the_lag_of_what_it_has_deployed(client, application, model, calm):
    application.bus.create("hosts", 2)
    client.post(f"/api/v1/models/{model}/deploy", json={"stream": "hosts", "shards": 2})
    application._lag.look()
    assert f'neuromorphic_backlog_messages{{model="{model}",stream="hosts"}} 0.0' in client.get("/metrics").text
    assert client.get("/api/v1/metrics").json()["streams"][0]["stream"] == "hosts"
