"""What every readout must hold. A readout enters by its kind in ``snnlab.detectors.readouts.KINDS``."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from snnlab.detectors.readouts import KINDS, Inputs, Shape

N, ENTITIES, NEURONS = 900, 5, 40
SHAPE = Shape(numbers=3, categories=2, prototypes=50, neurons=NEURONS, symbols=(4, 4, 4, 3, 3))
ODD = slice(700, 703)

pytestmark = pytest.mark.parametrize("kind", KINDS)


def inputs():
    """A stream of habits, with three events at 700 that break every one of them."""
    rng = np.random.default_rng(8)
    rows = rng.integers(0, ENTITIES, N).astype(np.int32)
    numbers = rng.normal([0.0, 5.0, -3.0], [1.0, 0.2, 0.5], (N, 3))
    codes = np.clip((numbers - [0, 5, -3]) / [1, 0.2, 0.5] + 2, 0, 2).astype(np.int32)
    categories = np.column_stack([rows % 2, np.arange(N) % 3]).astype(np.int32) + 7
    codes = np.column_stack([codes, categories[:, 0] % 3, categories[:, 1] % 3]).astype(np.int32)
    numbers[ODD] += [40.0, -9.0, 25.0]
    categories[ODD] = [[101, 105], [102, 106], [103, 107]]
    codes[ODD, :3] = 3
    fired = [np.flatnonzero(rng.random(NEURONS) < 0.1) for _ in range(N)]
    start = np.cumsum([0, *map(len, fired)]).astype(np.int64)
    seconds = np.arange(N) * 600.0
    return Inputs(rows, rows + 11, seconds, numbers, categories, codes, start, np.concatenate(fired).astype(np.int32))


def part(stream, start, stop):
    spikes = slice(stream.spike_start[start], stream.spike_start[stop])
    at = slice(start, stop)
    return Inputs(
        stream.rows[at],
        stream.entities[at],
        stream.seconds[at],
        stream.numbers[at].copy(),
        stream.categories[at].copy(),
        stream.codes[at].copy(),
        stream.spike_start[start : stop + 1] - stream.spike_start[start],
        stream.spikes[spikes].copy(),
    )


def run(kind, cuts=(), learn=True, upto=N, **settings_):
    readout, stream = KINDS[kind](**settings_), inputs()
    learnt, memory = readout.fresh(SHAPE), readout.remembered(SHAPE, ENTITIES)
    for odd in range(ODD.start, ODD.stop):  # to those that listen to labels: the like of these were anomalies
        readout.teach(part(stream, odd, odd + 1), learnt, normal=False)
    edges = sorted({0, upto, *(cut for cut in cuts if cut < upto)})
    pieces = [readout.surprise(part(stream, a, b), learnt, memory, learn=learn) for a, b in pairwise(edges)]
    return np.concatenate(pieces), learnt, memory


def test_it_has_a_column_for_each_place_it_speaks_of(kind):
    evidence, _, _ = run(kind)
    columns = KINDS[kind]().columns(SHAPE)
    assert evidence.shape == (N, len(columns))
    assert all(0 <= column < SHAPE.columns for column in columns)


def test_surprise_is_finite_and_never_negative(kind):
    evidence, _, _ = run(kind)
    assert np.isfinite(evidence).all()
    assert (evidence >= 0.0).all()
    assert evidence.any()


def test_what_breaks_every_habit_is_the_most_surprising(kind):
    evidence, _, _ = run(kind, **({"leak": 1.0} if kind in {"level", "phase"} else {}))
    total = evidence.max(axis=1) if KINDS[kind]().pool == "max" else evidence.sum(axis=1)
    usual = np.delete(total[400:], np.arange(300, 320))  # and what comes after the break
    assert total[ODD].max() > 2.0 * np.quantile(usual, 0.99)


def test_cutting_the_future_changes_nothing(kind):
    whole, _, _ = run(kind)
    for cut in (1, 60, 701):
        np.testing.assert_array_equal(run(kind, upto=cut)[0], whole[:cut])


@settings(derandomize=True, deadline=None, max_examples=8)
@given(cuts=st.lists(st.integers(1, N - 1), max_size=6))
def test_a_stream_may_be_cut_anywhere(kind, cuts):
    whole, learnt, memory = run(kind)
    evidence, other, others = run(kind, cuts)
    np.testing.assert_array_equal(evidence, whole)
    for name in learnt:
        np.testing.assert_array_equal(other[name], learnt[name], err_msg=name)
    for name in memory:
        np.testing.assert_array_equal(others[name], memory[name], err_msg=name)


def test_one_event_at_a_time_is_the_same(kind):
    np.testing.assert_array_equal(run(kind, range(1, 300), upto=300)[0], run(kind, upto=300)[0])


def test_without_learning_nothing_learnt_moves(kind):
    readout, stream = KINDS[kind](), inputs()
    learnt, memory = readout.fresh(SHAPE), readout.remembered(SHAPE, ENTITIES)
    readout.surprise(part(stream, 0, 600), learnt, memory, learn=True)
    before = {name: array.copy() for name, array in learnt.items()}
    readout.surprise(part(stream, 600, N), learnt, memory, learn=False)
    for name, array in before.items():
        np.testing.assert_array_equal(learnt[name], array, err_msg=name)
    readout.teach(part(stream, 700, 701), learnt, normal=False)
    moved = [name for name, array in before.items() if not np.array_equal(learnt[name], array)]
    assert moved == (["bad", "all"] if kind == "reputation" else [])


def test_learning_moves_what_is_learnt(kind):
    _, learnt, _ = run(kind)
    fresh = KINDS[kind]().fresh(SHAPE)
    assert sorted(fresh) == sorted(learnt)
    assert any(not np.array_equal(fresh[name], learnt[name]) for name in fresh)


def test_inputs_are_only_read(kind):
    readout, stream = KINDS[kind](), inputs()
    readout.surprise(stream, readout.fresh(SHAPE), readout.remembered(SHAPE, ENTITIES), learn=True)
    for name, array in inputs()._asdict().items():
        np.testing.assert_array_equal(getattr(stream, name), array, err_msg=name)


def test_memory_has_a_row_for_each_entity(kind):
    for array in KINDS[kind]().remembered(SHAPE, 9).values():
        assert len(array) == 9


def test_what_belongs_to_a_stream_is_there_and_rests_as_it_began(kind):
    fresh = KINDS[kind]().remembered(SHAPE, 3)
    assert set(KINDS[kind].episode) <= set(fresh)
    for name, rest in KINDS[kind].episode.items():
        assert (fresh[name] == rest).all()


def test_one_entity_does_not_touch_the_memory_of_another(kind):
    readout, stream = KINDS[kind](), inputs()
    memory = readout.remembered(SHAPE, ENTITIES + 1)
    readout.surprise(stream, readout.fresh(SHAPE), memory, learn=True)
    for name, array in readout.remembered(SHAPE, ENTITIES + 1).items():
        np.testing.assert_array_equal(memory[name][ENTITIES], array[ENTITIES], err_msg=name)


def test_settings_are_strict_and_frozen(kind):
    with pytest.raises(ValidationError, match="loudness"):
        KINDS[kind](loudness=3)
    with pytest.raises(ValidationError, match="frozen"):
        KINDS[kind]().weight = 2.0
    with pytest.raises(ValidationError, match="weight"):
        KINDS[kind](weight=0.0)


def test_arrays_of_no_columns_are_no_error(kind):
    nothing = Shape(0, 0, 50, NEURONS, ())
    readout = KINDS[kind]()
    none = np.zeros((2, 0), np.int32)
    two = Inputs(
        np.zeros(2, np.int32), np.zeros(2, np.int32), np.arange(2.0), np.zeros((2, 0)), none, none,
        np.zeros(3, np.int64), np.zeros(0, np.int32),
    )  # fmt: skip
    evidence = readout.surprise(two, readout.fresh(nothing), readout.remembered(nothing, 1), learn=True)
    assert evidence.shape == (2, 0)
