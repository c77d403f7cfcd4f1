import math

import numpy as np
import pytest

from snnlab.datasets.labelled import LabelledStream
from snnlab.errors import BusError, ConfigError
from snnlab.events import EventBatch
from snnlab.streams.replay import replay, speed_of
from snnlab.streams.sqlite import SqliteBus


class Wall:
    """A clock that only moves while one sleeps."""

    def __init__(self):
        self.now = 100.0

    def clock(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def bus(tmp_path):
    with SqliteBus(tmp_path / "bus.db") as bus:
        bus.create("web", shards=1)
        yield bus


def events(seconds):
    at = np.asarray(seconds, dtype=float)
    return EventBatch.from_columns(np.ones((len(at), 1)), ["cpu"], timestamps=(at * 1e6).astype(np.int64))


@pytest.mark.parametrize(("speed", "took"), [("real", 90.0), ("10x", 9.0), (2.0, 45.0), ("max", 0.0), (math.inf, 0.0)])
def test_events_come_when_they_are_due(bus, speed, took):
    wall = Wall()
    done = replay(events(range(1000, 1091, 10)), bus, "web", speed=speed, clock=wall.clock, sleep=wall.sleep)
    assert done.published == 10
    assert done.seconds == pytest.approx(took, abs=0.2)


def test_a_late_event_keeps_its_place(bus):
    wall = Wall()
    replay(events([0, 10, 3, 11]), bus, "web", speed="real", clock=wall.clock, sleep=wall.sleep)
    ids = [event_id for _, batch in bus.consume("web", 0) for event_id in batch.event_ids]
    assert ids == ["0", "1", "2", "3"]


def test_events_travel_in_pieces_and_progress_counts_them(bus):
    told = []
    stream = LabelledStream("made", events(range(25)), np.zeros(25, np.int8))
    done = replay(stream, bus, "web", batch=10, progress=told.append)
    assert told == [10, 10, 5]
    assert done.published == 25


def test_batches_follow_each_other_and_bad_events_are_set_aside(bus):
    bad = EventBatch.from_columns(np.array([[np.nan]]), ["cpu"], event_ids=["bad"], timestamps=[5_000_000])
    done = replay([events([0, 1]), bad, events([]), events([6])], bus, "web")
    assert (done.published, done.dead) == (3, 1)


@pytest.mark.parametrize("speed", ["0x", "-1", "fast", "nan", "", "x"])
def test_a_speed_that_is_none_is_refused(speed):
    with pytest.raises(ConfigError, match="speed"):
        speed_of(speed)


def test_an_unknown_stream_is_refused(bus):
    with pytest.raises(BusError, match="no stream 'wed'"):
        replay(events([0]), bus, "wed")
