"""Silences: who has been quiet for longer than their habit allows."""

import math

import numpy as np
import pytest

from snnlab.detectors import Detector
from snnlab.detectors.absence import follow_habits, fresh_habits, silence_z, tail_of
from snnlab.events import EventBatch

SECOND = 1_000_000


def beats(times, entities="pump"):
    times = np.asarray(times, np.int64)
    words = [entities] * len(times) if isinstance(entities, str) else entities
    ids = [f"{word}-{at}" for word, at in zip(words, range(len(times)), strict=True)]
    return EventBatch.from_columns(
        np.ones((len(times), 1)), ["pressure"], timestamps=times, entities=words, event_ids=ids
    )


def two_machines():
    """``steady`` beats every 10 s; ``moody`` comes by chance, every 10 s on average; both end near 2,000 s."""
    moody = np.cumsum(np.random.default_rng(1).exponential(10 * SECOND, 200)).astype(np.int64)
    moody = moody[moody < 2000 * SECOND]
    steady = np.arange(0, 2000, 10) * SECOND
    times = np.concatenate([steady, moody])
    words = np.array(["steady"] * len(steady) + ["moody"] * len(moody))
    order = np.argsort(times, kind="stable")
    return beats(times[order], words[order].tolist())


@pytest.mark.parametrize("seconds", [2.0, 5.0, 10.0])
def test_chance_gaps_follow_the_exponential_law(seconds):
    exact = seconds / math.log(10)
    assert tail_of(silence_z(seconds, 100, 1.0, 1.0)) == pytest.approx(exact, rel=0.06)


def test_the_gamma_tail_of_regular_gaps():
    from scipy.stats import gamma

    for shape in (0.5, 4.0, 16.0):
        law = gamma(shape, scale=1.0 / shape)
        for p in (1e-2, 1e-4):
            assert tail_of(silence_z(law.isf(p), 100, 1.0, 1.0 / shape)) == pytest.approx(-math.log10(p), rel=0.12)


def test_the_tail_of_the_normal_law_goes_on_where_floats_end():
    scores = [tail_of(z) for z in np.linspace(0.0, 60.0, 500)]
    assert (np.diff(scores) >= 0).all()
    assert tail_of(29.999) == pytest.approx(tail_of(30.001), rel=1e-3)
    assert max(scores) == 300.0


def test_no_habit_no_silence():
    assert silence_z(1e9, 19, 1.0, 1.0) == 0.0
    assert silence_z(1e9, 100, 0.0, 0.0) == 0.0
    assert silence_z(0.5, 100, 1.0, 0.0) == 0.0


def test_gaps_may_be_learnt_in_pieces_and_only_forward():
    rng = np.random.default_rng(2)
    rows, times = rng.integers(0, 3, 400).astype(np.int32), np.cumsum(rng.integers(-SECOND, 5 * SECOND, 400))
    whole, pieces = fresh_habits(3), fresh_habits(3)
    follow_habits(rows, times, **whole)
    for at in range(0, 400, 7):
        follow_habits(rows[at : at + 7], times[at : at + 7], **pieces)
    for name, array in whole.items():
        np.testing.assert_array_equal(pieces[name], array)
    assert (whole["gaps"][:, 1] > 0).all()


def test_a_missed_beat_is_told_and_chance_is_not():
    detector = Detector.build("sensor", names=["pressure"], entities=True)
    detector.process(two_machines())
    last = int(two_machines().timestamps[-1])
    assert len(detector.advance(last + 5 * SECOND)) == 0
    verdicts = detector.advance(last + 35 * SECOND)
    assert verdicts.entity == ["steady"]
    assert verdicts.event_id == ["silence:steady:1990000000"]
    assert verdicts.score[0] >= detector.threshold
    assert verdicts.severity[0] >= 0.5
    assert verdicts.timestamp.tolist() == [last + 35 * SECOND]
    assert verdicts.anomaly.all()
    assert "unusual silence" in verdicts.why(0)
    later = detector.advance(last + 600 * SECOND)
    assert sorted(later.entity) == ["moody", "steady"]
    assert later.score[later.entity.index("steady")] > verdicts.score[0]


def test_asking_changes_nothing():
    detector = Detector.build("sensor", names=["pressure"], entities=True)
    events = two_machines()
    detector.process(events.slice(0, 300))
    before = detector.save()
    far = int(events.timestamps[-1]) + 10**12
    first, again = detector.advance(far), detector.advance(far)
    assert detector.save() == before
    assert first.event_id == again.event_id
    verdicts = detector.process(events.slice(300, len(events)))
    assert np.isfinite(verdicts.score).all()  # none of them is late
    assert detector.rejected == []


def test_silences_become_anomalies_with_the_same_id_each_time():
    detector = Detector.build("sensor", names=["pressure"])
    detector.process(beats(np.arange(50) * SECOND))
    one, two = detector.advance(60 * SECOND), detector.advance(90 * SECOND)
    ids = [verdicts.to_anomalies("m", "s")[0].anomaly_id for verdicts in (one, two)]
    assert ids[0] == ids[1]
    assert one.to_anomalies("m", "s")[0].anomaly_type


def test_shards_and_a_save_in_between_are_no_matter():
    one, many = (Detector.build("sensor", names=["pressure"], entities=True, shards=s) for s in (1, 4))
    for detector in (one, many):
        detector.process(two_machines())
    until = int(two_machines().timestamps[-1]) + 900 * SECOND
    expected = one.advance(until)
    for detector in (many, Detector.load(one.save())):
        assert detector.advance(until).event_id == expected.event_id
        np.testing.assert_array_equal(detector.advance(until).score, expected.score)


def test_before_any_event_and_before_the_last_one_there_is_no_silence():
    detector = Detector.build("sensor", names=["pressure"])
    assert len(detector.advance(10**15)) == 0
    detector.process(beats(np.arange(50) * SECOND))
    assert len(detector.advance(0)) == 0
    assert len(detector.advance(49 * SECOND)) == 0


def test_a_new_stream_begins_no_silence():
    detector = Detector.build("sensor", names=["pressure"])
    detector.process(beats(np.arange(50) * SECOND))
    detector.restart()
    assert len(detector.advance(10**15)) == 0
    detector.process(beats(np.arange(3) * SECOND + 10**15))
    gaps = detector.shards[0].state["clock/gaps"][0]
    assert gaps.tolist() == pytest.approx([51, 1.0, 0.0])
