"""A shard: entities keep their own state, rows grow, and who gives a row up is forgotten."""

import numpy as np
import pytest

from snnlab.detectors.columns import Columns
from snnlab.detectors.plan import Plan
from snnlab.detectors.shard import Shard
from snnlab.domains import domain
from snnlab.events import EventBatch

SECOND = 1_000_000


def plan(limit=100):
    bound = domain("sensor").bind(["load"], [], entities=True)
    return Plan.of(bound, reservoir=True, plasticity=True, max_entities=limit)


def events(words, start=0, seed=0):
    n = len(words)
    values = np.random.default_rng(seed).normal(size=(n, 1))
    ids = [str(start + i) for i in range(n)]
    times = (start + np.arange(n)) * SECOND
    batch = EventBatch.from_columns(values, ["load"], entities=words, event_ids=ids, timestamps=times)
    return Columns.of(batch, plan().bank)


def rows_of(shard):
    capacity = len(shard.state["clock/last"])
    named = ("clock/", "judge/", "reservoir/", "readout", "features/entity.")
    return {name: array for name, array in shard.state.items() if name.startswith(named)}, capacity


def test_rows_grow_with_the_entities_and_all_arrays_with_them():
    shard = Shard.fresh(plan())
    shard.process(events([f"m{i}" for i in range(10)]), learn=True)
    before = {name: array[:10].copy() for name, array in rows_of(shard)[0].items()}
    shard.process(events([f"m{i}" for i in range(10, 50)], start=10), learn=True)
    after, capacity = rows_of(shard)
    assert capacity == 64
    assert {len(array) for array in after.values()} == {64}
    for name, array in before.items():
        np.testing.assert_array_equal(after[name][:10], array, err_msg=name)


def test_rows_never_outgrow_the_limit():
    shard = Shard.fresh(plan(20))
    shard.process(events([f"m{i}" for i in range(50)]), learn=True)
    assert rows_of(shard)[1] == 20
    assert len(shard.pool) == 20


def test_who_takes_a_row_over_finds_it_empty():
    shard = Shard.fresh(plan(2))
    shard.process(events(["a"] * 60 + ["b"] * 60), learn=True)
    used, _ = rows_of(shard)
    blank, _ = rows_of(Shard.fresh(plan(2)))
    moved = {name for name in used if not np.array_equal(used[name][0], blank[name][0])}
    assert moved >= {"clock/last", "clock/gaps", "judge/clock", "reservoir/membrane", "readout0/level"}
    other = {name: array[1].copy() for name, array in used.items()}
    shard._forget(0)
    for name, array in used.items():
        np.testing.assert_array_equal(array[0], blank[name][0], err_msg=name)
        np.testing.assert_array_equal(array[1], other[name], err_msg=name)


def test_the_longest_silent_is_forgotten_when_another_comes():
    shard = Shard.fresh(plan(2))
    shard.process(events(["a"] * 30 + ["b"] * 30), learn=True)
    shard.process(events(["c"], start=100), learn=True)
    assert shard.pool.rows == {"b": 1, "c": 0}
    assert shard.state["clock/gaps"][0].tolist() == [0, 0, 0]
    assert shard.state["clock/gaps"][1, 0] == 29


def test_a_whole_restore_is_the_shard_again():
    shard, other = Shard.fresh(plan()), Shard.fresh(plan())
    shard.process(events(["a", "b", "c"] * 40), learn=True)
    kept = {f"learnt/{name}": array.copy() for name, array in shard.learnt.items()}
    kept |= {f"state/{name}": array.copy() for name, array in shard.state.items()}
    other.restore(kept, dict(shard.pool.rows))
    more = events(["c", "d", "a"] * 20, start=200)
    one, two = shard.process(more, learn=True), other.process(more, learn=True)
    np.testing.assert_array_equal(one.judgement.score, two.judgement.score)
    np.testing.assert_array_equal(one.pattern, two.pattern)


def test_a_restore_of_what_is_not_there_names_it():
    with pytest.raises(KeyError, match="clock/last"):
        Shard.fresh(plan()).restore({}, {})


def test_the_pattern_is_the_share_of_each_bucket_that_fired():
    shard = Shard.fresh(plan())
    found = shard.process(events(["a"] * 200), learn=True)
    assert found.pattern.shape == (200, 16)
    assert found.pattern.min() >= 0.0
    assert found.pattern.max() <= 1.0 + 1e-6
    assert found.pattern.any()
