"""Stream time to ticks, and late events."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydantic import ValidationError

from snnlab.features import UNSEEN, Clock, Lateness

SECOND = 1_000_000
CLOCKS = [
    Clock.per_event(3),
    Clock.realtime(tick_ms=10.0, lateness_us=2 * SECOND),
    Clock.scaled(1 / 3600, lateness_us=0),
    Clock(mode="scaled", scale=7.3, tick_ms=0.7, gap_cap_ticks=500, lateness_us=SECOND),
]
every = pytest.mark.parametrize("clock", CLOCKS, ids=lambda clock: clock.mode)
times = hnp.arrays(np.int64, st.integers(0, 60), elements=st.integers(-5 * SECOND, 60 * SECOND))


def test_per_event_counts_events_whatever_the_time_between_them():
    gap, verdict = Clock.per_event(4).ticks(np.array([0, 0]), np.array([SECOND, 10**15]))
    assert Clock.per_event(4).event_ticks == 4
    assert gap.tolist() == [0, 0]
    assert verdict.tolist() == [Lateness.ON_TIME] * 2


def test_realtime_ticks_are_stream_time():
    gap, _ = Clock.realtime(tick_ms=5.0).ticks(np.array([0, 0, 7000]), np.array([4999, SECOND, 11_000]))
    assert gap.tolist() == [0, 200, 1]


def test_scaled_time_runs_faster_or_slower():
    assert Clock.scaled(2.0).ticks(np.array([0]), np.array([SECOND]))[0].tolist() == [2000]
    assert Clock.scaled(1 / 3600).ticks(np.array([0]), np.array([3600 * SECOND]))[0].tolist() == [1000]


def test_a_gap_is_capped():
    clock = Clock(mode="realtime", gap_cap_ticks=50)
    assert clock.ticks(np.array([0]), np.array([10**15]))[0].tolist() == [50]
    assert clock.follow(np.zeros(1, np.int32), np.array([10**15]), np.array([0]))[0].tolist() == [50]


@pytest.mark.parametrize(("behind", "verdict"), [(-1, 0), (0, 0), (1, 1), (2000, 1), (2001, 2)])
def test_lateness_rule(behind, verdict):
    clock = Clock.realtime(lateness_us=2000)
    last = np.array([SECOND])
    gap, said = clock.follow(np.zeros(1, np.int32), np.array([SECOND - behind]), last)
    assert said.tolist() == [verdict]
    assert gap.tolist() == [0]
    assert last.tolist() == [max(SECOND, SECOND - behind)], "a late event never moves the clock back"


def test_entities_have_clocks_of_their_own():
    last = np.full(2, UNSEEN)
    now = np.array([100 * SECOND, 0, 1 * SECOND, 99 * SECOND])
    gap, verdict = Clock.realtime(tick_ms=1000.0, lateness_us=0).follow(np.array([0, 1, 1, 0], np.int32), now, last)
    assert verdict.tolist() == [0, 0, 0, 2]
    assert gap.tolist() == [0, 0, 1, 0]
    assert last.tolist() == [100 * SECOND, SECOND]


def test_an_entity_seen_for_the_first_time_is_never_late():
    last = np.array([UNSEEN])
    gap, verdict = Clock.realtime().follow(np.zeros(1, np.int32), np.array([-(10**15)]), last)
    assert (gap[0], verdict[0], last[0]) == (0, 0, -(10**15))
    assert [part.tolist() for part in Clock.realtime().ticks(np.array([UNSEEN]), np.array([5]))] == [[0], [0]]


def test_absence_is_seen_by_advance():
    clock, last = Clock.realtime(tick_ms=1000.0, lateness_us=0), np.array([0, 30 * SECOND, UNSEEN])
    assert clock.advance(20 * SECOND, last).tolist() == [20, 0, 0]
    assert last.tolist() == [20 * SECOND, 30 * SECOND, UNSEEN]
    _, verdict = clock.follow(np.zeros(1, np.int32), np.array([10 * SECOND]), last)
    assert verdict.tolist() == [Lateness.REJECTED]
    assert Clock.per_event().advance(50 * SECOND, last).tolist() == [0, 0, 0]


@every
@settings(derandomize=True, deadline=None, max_examples=40)
@given(now=times, cut=st.integers(0, 60))
def test_batches_cut_anywhere_follow_the_same(clock, now, cut):
    rows = (np.arange(len(now)) % 3).astype(np.int32)
    whole, parts = np.full(3, UNSEEN), np.full(3, UNSEEN)
    expected = clock.follow(rows, now, whole)
    got = [clock.follow(rows[part], now[part], parts) for part in (slice(0, cut), slice(cut, None))]
    for at in (0, 1):
        assert np.array_equal(expected[at], np.concatenate([piece[at] for piece in got]))
    assert np.array_equal(whole, parts)


@every
@settings(derandomize=True, deadline=None, max_examples=40)
@given(now=times)
def test_follow_is_ticks_one_event_after_the_other(clock, now):
    last, state = np.full(1, UNSEEN), np.full(1, UNSEEN)
    gap, verdict = clock.follow(np.zeros(len(now), np.int32), now, state)
    for i in range(len(now)):
        one_gap, one_verdict = clock.ticks(last, now[i : i + 1])
        assert (one_gap[0], one_verdict[0]) == (gap[i], verdict[i])
        if verdict[i] == Lateness.ON_TIME:
            last = now[i : i + 1]
    assert np.array_equal(last, state)


@settings(derandomize=True, deadline=None, max_examples=50)
@given(st.integers(0, 10**15), st.integers(0, 10**9), st.integers(0, 10**9), st.floats(0.01, 100))
def test_gaps_add_up(start, first, second, scale):
    clock = Clock(mode="scaled", scale=scale, gap_cap_ticks=10**12)
    a, b, c = (np.array([t]) for t in (start, start + first, start + first + second))
    assert clock.ticks(a, c)[0] == clock.ticks(a, b)[0] + clock.ticks(b, c)[0]


@every
def test_json_round_trip(clock):
    assert Clock.model_validate_json(clock.model_dump_json()) == clock


@pytest.mark.parametrize(
    "fields", [{"mode": "lunar"}, {"event_ticks": 0}, {"scale": 0.0}, {"tick_ms": -1.0}, {"lateness_us": -1}, {"x": 1}]
)
def test_nonsense_is_refused(fields):
    with pytest.raises(ValidationError, match=next(iter(fields))):
        Clock(**fields)
