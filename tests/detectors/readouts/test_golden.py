"""Each readout on a few events that can be reckoned by hand."""

import math

import numpy as np
import pytest

from snnlab.detectors.readouts import (
    Change,
    Context,
    Extreme,
    Inputs,
    Joint,
    Level,
    Novelty,
    Phase,
    Predictive,
    Reputation,
    Shape,
)


def seen(numbers=(), categories=(), codes=(), fired=(), seconds=None, rows=None):
    n = max(map(len, (numbers, categories, codes)))
    rows = np.zeros(n, np.int32) if rows is None else np.array(rows, np.int32)
    fired = fired or [[]] * n
    return Inputs(
        rows,
        rows,
        np.arange(n) * 1.0 if seconds is None else np.array(seconds, float),
        np.array(numbers, float).reshape(n, -1) if len(numbers) else np.zeros((n, 0)),
        np.array(categories, np.int32).reshape(n, -1) if len(categories) else np.zeros((n, 0), np.int32),
        np.array(codes, np.int32).reshape(n, -1) if len(codes) else np.zeros((n, 0), np.int32),
        np.cumsum([0, *map(len, fired)]).astype(np.int64),
        np.array([neuron for one in fired for neuron in one], np.int32),
    )


def evidence(readout, inputs, symbols=(), neurons=8, learn=True):
    shape = Shape(inputs.numbers.shape[1], inputs.categories.shape[1], 10, neurons, symbols)
    entities = int(inputs.rows.max()) + 1
    return readout.surprise(inputs, readout.fresh(shape), readout.remembered(shape, entities), learn=learn)


def test_level_is_the_distance_from_the_mean_in_deviations():
    # 1 and 3 have mean 2 and deviation 1; 1, 3 and 5 have mean 3 and variance 8/3
    found = evidence(Level(leak=1.0, warmup=2), seen([1, 3, 5, 7]))
    assert found[:, 0] == pytest.approx([0, 0, 3, 4 / math.sqrt(8 / 3)], rel=1e-6)


def test_level_learns_nothing_of_what_is_beyond_its_gate():
    calm = [1, 3] * 10
    found = evidence(Level(leak=1.0, warmup=2), seen([*calm, 100, 100, 3]))
    assert found[20, 0] == found[21, 0] == pytest.approx(98, rel=1e-6)
    assert found[22, 0] == pytest.approx(1.0, rel=1e-6)


def test_level_of_a_constant_is_no_surprise_and_its_first_step_is():
    found = evidence(Level(leak=1.0, warmup=2), seen([5.0] * 10 + [6.0]))
    assert not found[:10].any()
    assert found[10, 0] > 1e6


def test_change_is_the_squared_step_over_the_variance_of_steps():
    # steps 1, 1, 3 and 0: the variance of the first two is 1
    found = evidence(Change(warmup=2), seen([0, 1, 0, 3, 3]))
    assert found[:, 0].tolist() == [0, 0, 0, 9, 0]


def test_change_is_bounded_and_each_entity_steps_from_its_own_last_value():
    found = evidence(Change(warmup=2, ceiling=50.0), seen([0, 100, 1, 101, 0, 100, 99], rows=[0, 1, 0, 1, 0, 1, 0]))
    assert found[:, 0].tolist() == [0, 0, 0, 0, 1, 1, 50]


def test_novelty_is_the_distance_to_the_nearest_known_value_over_the_range():
    found = evidence(Novelty(), seen([0, 10, 5, 5, 20]))
    assert found[:, 0] == pytest.approx([0, 1, 0.5, 0, 0.5])


def test_phase_knows_levels_by_the_time_of_day():
    readout = Phase(bins=4, reach=0, delay=1, leak=1.0)
    noon = 43_200.0
    found = evidence(readout, seen([5, 7, 9, 6, 6, 6], seconds=[0, 1, 2, 3, noon, 86_400.0]))
    # 5 is known from the third event on, 7 from the fourth; noon has never been seen; 9 - 5 is the range
    assert found[:, 0] == pytest.approx([0, 0, 1, 0.25, 0, 0])


def test_phase_reaches_into_the_neighbouring_times():
    seconds = [0, 1, 2, 6 * 3600.0]
    far = evidence(Phase(bins=4, reach=0, delay=1, leak=1.0), seen([5, 5, 5, 9], seconds=seconds))
    near = evidence(Phase(bins=4, reach=1, delay=1, leak=1.0), seen([5, 5, 5, 9], seconds=seconds))
    assert far[3, 0] == 0
    assert near[3, 0] == pytest.approx(1.0)


def test_joint_recruits_what_it_does_not_know_and_knows_it_then():
    # the first neuron stands in the middle (0.5, 0.5); the second event is at mid-rank 0.5 and at 0 of the range
    readout, shape = Joint(), Shape(1, 1, 10, 8, ())
    learnt = readout.fresh(shape)
    found = readout.surprise(seen([0, 0, 0], categories=[1, 2, 2]), learnt, {}, learn=True)
    assert learnt["code"][:2].tolist() == [[0.5, 0.5], [0.5, 0.0]]
    assert learnt["word"][:2].tolist() == [[1], [2]]
    assert learnt["used"][0] == 2
    assert not found[[0, 2]].any()
    assert (found[1] >= [0.5, 0.6]).all()


def test_joint_learns_an_event_that_turned_out_normal():
    readout, rng = Joint(), np.random.default_rng(1)
    shape = Shape(1, 1, 50, 8, ())
    learnt = readout.fresh(shape)
    readout.surprise(seen(rng.normal(size=400), categories=[1] * 400), learnt, {}, learn=True)
    odd = seen([9.0], categories=[5])
    before = readout.surprise(odd, learnt, {}, learn=False).sum()
    readout.teach(odd, learnt, normal=False)
    assert readout.surprise(odd, learnt, {}, learn=False).sum() == before
    readout.surprise(odd, learnt, {}, learn=True)
    assert readout.surprise(odd, learnt, {}, learn=False).sum() == pytest.approx(before, rel=0.05)  # it was gated
    readout.teach(odd, learnt, normal=True)
    assert readout.surprise(odd, learnt, {}, learn=False).sum() < 0.1 * before


def test_context_backs_off_from_what_it_has_counted():
    # never met: certain without a context; then 1.5 of 2 overall, weighed by 2 events against 1 in the habit
    found = evidence(Context(), seen(categories=[7, 7]))
    base, habit, again = 0.75, (1 + 2 * 0.75) / 3, (0 + 2 * 0.25) / 3
    assert found[0] == pytest.approx([0, 0, 0, -math.log(0.25)])
    assert found[1] == pytest.approx([-math.log(base), 0, -math.log(habit), -math.log(again)])


def test_context_expects_the_order_that_it_has_seen():
    found = evidence(Context(peers=0, habits=0, repeats=0), seen(categories=[1, 2, 3] * 40 + [1, 3]))
    assert found[-3, 0] < 0.2
    assert found[-1, 0] > 2.0


def test_context_does_not_count_what_its_gate_finds_too_surprising():
    stream = seen(categories=[1] * 200 + [2] * 4)
    free = evidence(Context(peers=0, habits=0, repeats=0), stream)
    gated = evidence(Context(peers=0, habits=0, repeats=0, gate=2.0), stream)
    assert gated[200, 0] == pytest.approx(free[200, 0])
    assert gated[203].sum() > 0.0


def test_predictive_learns_what_follows_what_fired():
    # 1/2 by chance; (1 + 1/2) / 2 overall; then neuron 1 has been followed by 0 once: 4/5 of 1/6
    found = evidence(Predictive(), seen(codes=[0, 0, 1], fired=[[1], [1], [1]]), symbols=(2,))
    assert found[:, 0] == pytest.approx([-math.log(0.5), -math.log(0.75), -math.log(0.8 / 6)], rel=1e-6)


def test_predictive_tells_the_next_word_from_what_fired():
    codes, fired = [0, 1] * 60, [[1], [2]] * 60
    known = evidence(Predictive(), seen(codes=codes, fired=fired), symbols=(2,))
    assert known[-1, 0] < 0.1
    broken = evidence(Predictive(), seen(codes=[*codes, 1], fired=[*fired, [1]]), symbols=(2,))
    assert broken[-1, 0] > 2.0


def test_an_extreme_is_rare_by_its_own_column_upwards_or_downwards():
    # in 400 events of each column nothing came beyond 1, or beyond 1,000: the same step is rare in one alone
    rng = np.random.default_rng(2)
    calm = np.column_stack([rng.uniform(-1, 1, 400), rng.uniform(-1000, 1000, 400)])
    found = evidence(Extreme(), seen([*calm.tolist(), [0.0, 0.0], [9.0, 9.0], [-9.0, 0.0]]))[400:]
    assert found[0] == pytest.approx([0.3, 0.3], abs=0.1)
    assert found[1, 0] > 3
    assert found[1, 1] < 0.5
    assert found[2, 0] > 3


def test_an_extreme_that_goes_on_is_learnt_slowly():
    rng = np.random.default_rng(3)
    calm = rng.normal(size=(500, 1))
    found = evidence(Extreme(), seen([*calm.tolist(), *[[12.0]] * 20]))[500:, 0]
    assert found[0] > 4
    assert found[-1] > 0.5 * found[0]


def test_a_word_is_as_suspect_as_its_labels_are_against_those_of_all():
    readout, shape = Reputation(strength=4.0), Shape(0, 1, 10, 8, ())
    learnt = readout.fresh(shape)
    words = seen(categories=[7, 8] * 10, seconds=[0.0] * 20)
    assert not readout.surprise(words, learnt, {}, learn=True).any()
    one = seen(categories=[7], seconds=[0.0])
    readout.teach(one, learnt, normal=False)
    # one in twenty is bad, of word 7 one in ten: (1 + 4 * 0.05) / (10 + 4) is 1.714 times as much
    found = readout.surprise(seen(categories=[7, 8], seconds=[0.0, 0.0]), learnt, {}, learn=False)
    assert found[:, 0] == pytest.approx([math.log(1.2 / 14 / 0.05), 0.0])
    readout.teach(one, learnt, normal=True)
    assert readout.surprise(one, learnt, {}, learn=False)[0, 0] == pytest.approx(math.log(1.2 / 15 / 0.05))


def test_a_late_label_counts_as_if_it_had_been_known_and_fades():
    shape, day = Shape(0, 1, 10, 8, ()), 86_400.0
    readout = Reputation(days=10.0, strength=1.0)
    late, known = readout.fresh(shape), readout.fresh(shape)
    for learnt, first in ((late, False), (known, True)):
        readout.surprise(seen(categories=[8] * 50, seconds=[0.0] * 50), learnt, {}, learn=True)
        readout.surprise(seen(categories=[7], seconds=[0.0]), learnt, {}, learn=True)
        if first:
            readout.teach(seen(categories=[7], seconds=[0.0]), learnt, normal=False)
        readout.surprise(seen(categories=[7], seconds=[7 * day]), learnt, {}, learn=True)
        if not first:
            readout.teach(seen(categories=[7], seconds=[0.0]), learnt, normal=False)
    assert late["bad"][0, 7] == pytest.approx(known["bad"][0, 7]) == pytest.approx(math.exp(-0.7))
    later = [readout.surprise(seen(categories=[7], seconds=[at * day]), late, {}, learn=False)[0, 0] for at in (8, 80)]
    assert later[0] > later[1]
