"""Events that come together: a tick of many events is one input to one network, and each of them has its verdict."""

import numpy as np
import pytest

from snnlab.detectors import Detector
from snnlab.domains import Domain, ReadoutSpec
from snnlab.errors import ConfigError, EventError
from snnlab.events import EventBatch
from snnlab.features import Clock, Feature
from snnlab.reservoirs.engines.tally import tallied
from snnlab.serving.neurons import neuron_state

MS = 1_000
PARTS = ("score", "alarm", "groups", "pattern", "rarities")
MILL = Domain(
    name="mill",
    features=(
        Feature(name="speed", column="speed", group="speed"),
        Feature(name="mode", aggregate="category", column="mode"),
    ),
    clock=Clock.realtime(together=True, lateness_us=5 * MS),
    readouts=(ReadoutSpec(kind="level"), ReadoutSpec(kind="predictive")),
)


def built(**options):
    return Detector.build(MILL, names=["speed"], categories=["mode"], entities=True, seed=3, **options)


def events(modes, a_tick=20, start=0):
    """Ticks of ``a_tick`` events of as many entities, all of one mode."""
    n = len(modes) * a_tick
    tick, within = np.divmod(np.arange(n), a_tick)
    values = np.random.default_rng(start % 1000).normal(5.0, 0.2, (n, 1))
    return EventBatch.from_columns(
        values,
        ["speed"],
        timestamps=(start + tick) * MS + within,
        entities=[f"stone-{one}" for one in within.tolist()],
        categories={"mode": [modes[one] for one in tick.tolist()]},
        event_ids=[f"{start}-{one}" for one in range(n)],
    )


def told(verdicts):
    return {part: np.concatenate([getattr(one, part) for one in verdicts]) for part in PARTS}


def test_a_stream_may_be_cut_anywhere_and_saved_within_a_tick():
    whole = events(["grind", "sift", "rest"] * 12)
    at_once = told([built().process(whole)])
    for cuts in ([1, 19, 700], [7, 8, 9, 333]):
        detector, pieces, start = built(), [], 0
        for stop in (*cuts, len(whole)):
            pieces.append(detector.process(whole.slice(start, stop)))
            detector, start = Detector.load(detector.save()), stop
        for part, values in told(pieces).items():
            np.testing.assert_array_equal(values, at_once[part], part)


@pytest.mark.parametrize("shards", [1, 2, 3])
def test_a_flow_of_batches_has_the_verdicts_of_one_after_the_other(shards):
    whole = events(["grind", "sift"] * 15)
    pieces = [whole.slice(start, start + 60) for start in range(0, len(whole), 60)]
    one, other = built(shards=shards), built(shards=shards)
    by_turns = told([one.process(piece) for piece in pieces])
    for part, values in told(list(other.flow(iter(pieces)))).items():
        np.testing.assert_array_equal(values, by_turns[part], part)
    assert one.save() == other.save()


def test_what_a_tick_says_is_predicted_from_the_tick_before():
    detector = built()
    detector.process(events(["grind", "sift"] * 150))
    broken = detector.process(events(["grind", "sift", "grind", "grind"], start=300), learn=False)
    at = detector.plan.readouts.index(next(r for r in detector.plan.readouts if r.kind == "predictive"))
    rarity = broken.rarities[:, at].reshape(4, -1).mean(axis=1)
    assert rarity[3] > 2 * rarity[:3].max()


def test_events_of_a_tick_have_one_network_and_one_pattern():
    detector = built()
    verdicts = detector.process(events(["grind"] * 30))
    patterns = verdicts.pattern.reshape(30, 20, -1)
    assert (patterns == patterns[:, :1]).all()
    assert patterns[-1].sum() > 0
    first, second = (neuron_state(detector, f"stone-{one}", 1) for one in (0, 7))
    np.testing.assert_array_equal(first.membrane, second.membrane)
    assert len(detector.shards[0].state["together/reservoir/membrane"]) == 1


def test_a_tick_of_many_equal_events_drives_the_network_as_one_of_them_does():
    patterns = []
    for a_tick in (1, 50):
        detector = built()
        stream = events(["grind", "sift"] * 40, a_tick=a_tick)
        steady = EventBatch.from_columns(
            np.full((len(stream), 1), 5.0),
            ["speed"],
            timestamps=stream.timestamps,
            categories={"mode": stream.category("mode").words()},
        )
        patterns.append(detector.process(steady).pattern[::a_tick])
    np.testing.assert_array_equal(*patterns)


def test_a_late_event_joins_the_open_tick_and_one_too_late_is_set_aside():
    detector = built()
    detector.process(events(["grind"] * 10))
    state = detector.shards[0].state["together/ticks"]
    before = state.copy()
    late = EventBatch.from_columns(
        np.full((2, 1), 5.0),
        ["speed"],
        timestamps=[7 * MS, 1 * MS],
        entities=["stone-1", "stone-1"],
        categories={"mode": ["grind", "grind"]},
        event_ids=["late", "lost"],
    )
    verdicts = detector.process(late)
    assert [letter.event_id for letter in detector.rejected] == ["lost"]
    assert np.isnan(verdicts.score).tolist() == [False, True]
    assert (state[:2] == before[:2]).all()
    assert state[2] == before[2] + 1


def test_a_restart_opens_a_tick_of_its_own():
    detector = built()
    detector.process(events(["grind"] * 10))
    detector.restart()
    assert np.isfinite(detector.process(events(["sift"] * 3, start=-500)).score).all()


@pytest.mark.parametrize("clock", [{"mode": "per_event"}, {"mode": "realtime", "event_ticks": 2}])
def test_without_ticks_of_stream_time_nothing_comes_together(clock):
    with pytest.raises(ValueError, match=r"has none; take realtime or scaled with event_ticks=1"):
        Clock(together=True, **clock)


def test_what_ticks_cost_is_counted_once_however_a_stream_is_cut():
    whole, counts = events(["grind", "sift"] * 10), []
    for step in (len(whole), 30):
        with tallied() as tally:
            detector = built()
            for start in range(0, len(whole), step):
                detector.process(whole.slice(start, start + step))
        counts.append((tally.spikes, tally.synaptic, tally.updates))
    assert counts[0] == counts[1]
    assert counts[0][2] == 19 * 256  # the last tick is still open


@pytest.mark.parametrize("ahead", [0, 1, 2])
@pytest.mark.parametrize("shards", [1, 2])
def test_a_flow_that_is_left_early_is_done_with_what_it_began(shards, ahead):
    whole = events(["grind", "sift"] * 15)
    pieces = [whole.slice(start, start + 100) for start in range(0, len(whole), 100)]
    one, other = built(shards=shards), built(shards=shards)
    flow = one.flow(iter(pieces), ahead=ahead)
    next(flow)
    one.process(pieces[5])  # after those that the flow has begun
    flow.close()
    for piece in (*pieces[: ahead + 1], pieces[5]):
        other.process(piece)
    assert one.save() == other.save()


def test_a_flow_cannot_be_behind():
    with pytest.raises(ConfigError, match="-1 batches ahead"):
        next(built().flow(iter([]), ahead=-1))


def test_a_flow_gives_the_verdicts_before_a_batch_that_cannot_be_read():
    good = events(["grind"] * 4)
    nan = EventBatch.from_columns(np.full((1, 1), np.nan), ["speed"], categories={"mode": ["grind"]})
    flow = built().flow(iter([good, nan, good]))
    assert len(next(flow)) == len(good)
    with pytest.raises(EventError, match="speed = nan"):
        next(flow)
