"""Windows and aggregates against plain Python, and what they must hold together."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnlab.errors import ConfigError, EventError
from snnlab.events.batch import EventBatch
from snnlab.features import Feature, FeatureBank, symbol_of

EVERYTHING = (
    Feature(name="value", column="x"),
    Feature(name="log", column="x", log=True),
    Feature(name="change", aggregate="change", column="x"),
    Feature(name="deviation", aggregate="deviation", column="x", window=30.0),
    Feature(name="gap", aggregate="gap"),
    Feature(name="count", aggregate="count", window=10.0),
    Feature(name="sum", aggregate="sum", column="y", window=10.0),
    Feature(name="mean", aggregate="mean", column="y", window=20.0),
    Feature(name="distinct", aggregate="distinct", column="op", window=15.0),
    Feature(name="novel", aggregate="novel", column="op", window=15.0),
    Feature(name="match", aggregate="match", column="op", other="target"),
    Feature(name="hour", aggregate="hour"),
    Feature(name="week", aggregate="week"),
    Feature(name="of all", aggregate="mean", column="x", key="stream"),
    Feature(name="by op", aggregate="deviation", column="y", key="op"),
    Feature(name="op", aggregate="category", column="op"),
    Feature(name="type", aggregate="category", column="event_type"),
)
ENTITIES = 5


def stream(n=300, seed=0):
    """Events of five entities, some late, and the state row of each."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, ENTITIES, n).astype(np.int32)
    times = np.cumsum(rng.integers(0, 4_000_000, n)) - rng.integers(0, 2, n) * 3_000_000
    batch = EventBatch.from_columns(
        np.c_[rng.normal(size=n) * 5 + rows * 100, rng.exponential(size=n)],
        ["x", "y"],
        timestamps=times,
        entities=[f"e{row}" for row in rows],
        categories={
            "op": [f"op{i}" for i in rng.integers(0, 6, n)],
            "target": [f"op{i}" if i else None for i in rng.integers(0, 6, n)],
        },
        event_types=["t"] * n,
    )
    return batch, rows


def column(block, name):
    return block.numbers[:, block.names_numbers.index(name)]


def plain(batch, rows, window, step):
    """Run a step in plain Python over each key's (weight-free) memory, with event-time decay."""
    memory, out = {}, []
    for i, row in enumerate(rows):
        now = int(batch.timestamps[i])
        last, kept = memory.get(row, (None, None))
        gap = 0.0 if last is None else max(now - last, 0) / 1e6
        result, kept = step(i, kept, math.exp(-gap / window), gap)
        memory[row] = (now if last is None else max(now, last), kept)
        out.append(result)
    return np.array(out)


def test_columns_as_they_are():
    batch, rows = stream()
    block = FeatureBank(EVERYTHING).extract(batch, rows, FeatureBank(EVERYTHING).fresh(ENTITIES))
    x = batch.column("x")
    assert np.array_equal(column(block, "value"), x)
    np.testing.assert_allclose(column(block, "log"), np.sign(x) * np.log1p(np.abs(x)))
    np.testing.assert_allclose(column(block, "hour"), batch.timestamps / 1e6 % 86_400)
    assert block.symbols[:, 0].tolist() == [symbol_of(word) for word in batch.category("op").words()]
    assert block.symbols[:, 1].tolist() == [symbol_of("t")] * len(batch)
    assert block.names_symbols == ("op", "type")
    assert block.numbers.shape == (300, len(EVERYTHING) - 2)
    assert len(block) == 300


def test_windows_against_plain_python():
    batch, rows = stream()
    block = FeatureBank(EVERYTHING).extract(batch, rows, FeatureBank(EVERYTHING).fresh(ENTITIES))
    x, y = batch.column("x"), batch.column("y")

    def count(_, kept, decay, __):
        kept = (kept or 0.0) * decay + 1
        return kept, kept

    def total(i, kept, decay, _):
        kept = (kept or 0.0) * decay + y[i]
        return kept, kept

    def mean(i, kept, decay, _):
        w, m = kept or (0.0, 0.0)
        w = w * decay + 1
        m += (y[i] - m) / w
        return m, (w, m)

    def change(i, kept, *_):
        return 0.0 if kept is None else x[i] - kept, x[i]

    def gap(_, kept, __, gap):
        return math.log1p(gap) if kept else np.nan, True

    np.testing.assert_allclose(column(block, "count"), plain(batch, rows, 10.0, count))
    np.testing.assert_allclose(column(block, "sum"), plain(batch, rows, 10.0, total))
    np.testing.assert_allclose(column(block, "mean"), plain(batch, rows, 20.0, mean))
    np.testing.assert_allclose(column(block, "change"), plain(batch, rows, 1.0, change), atol=1e-12)
    expected = plain(batch, rows, 1.0, gap)
    known = np.isfinite(expected)
    assert known.sum() == len(batch) - ENTITIES
    np.testing.assert_allclose(column(block, "gap")[known], expected[known], atol=1e-12)


def test_words_against_plain_python():
    batch, rows = stream()
    block = FeatureBank(EVERYTHING).extract(batch, rows, FeatureBank(EVERYTHING).fresh(ENTITIES))
    op, target = batch.category("op").words(), batch.category("target").words()
    assert column(block, "match").tolist() == [float(a == b) for a, b in zip(op, target, strict=True)]
    seen, last, distinct = {}, {}, {}
    for i, row in enumerate(rows):
        now = max(int(batch.timestamps[i]), last.get(row, -(10**18)))
        age = now - seen.get((row, op[i]), -(10**18))
        if abs(age - 15_000_000) > 30_000:  # a sketch counts time in 1024ths of its window
            assert column(block, "novel")[i] == float(age > 15_000_000 and row in last)
            decay = math.exp(-(now - last.get(row, now)) / 15e6)
            distinct[row] = distinct.get(row, 0.0) * decay + (age > 15_000_000)
            assert column(block, "distinct")[i] == pytest.approx(distinct[row])
        else:
            distinct[row] = column(block, "distinct")[i]
        seen[row, op[i]] = last[row] = now


def test_a_week_begins_on_monday():
    monday = 4 * 86_400 * 1_000_000
    batch = EventBatch.from_columns(np.zeros((3, 0)), [], timestamps=[monday, monday - 1_000_000, 0])
    bank = FeatureBank((Feature(name="week", aggregate="week"), Feature(name="hour", aggregate="hour")))
    numbers = bank.extract(batch, np.zeros(3, np.int32), bank.fresh(1)).numbers
    assert numbers.tolist() == [[0.0, 0.0], [604_799.0, 86_399.0], [3 * 86_400.0, 0.0]]


@settings(derandomize=True, deadline=None, max_examples=20)
@given(cut=st.integers(0, 300), seed=st.integers(0, 5))
def test_batches_cut_anywhere_give_the_same_features_and_state(cut, seed):
    batch, rows = stream(seed=seed)
    bank = FeatureBank(EVERYTHING)
    whole, parts = bank.fresh(ENTITIES), bank.fresh(ENTITIES)
    expected = bank.extract(batch, rows, whole)
    got = [
        bank.extract(batch.slice(start, stop), rows[start:stop], parts) for start, stop in ((0, cut), (cut, len(batch)))
    ]
    assert np.array_equal(expected.numbers, np.concatenate([part.numbers for part in got]))
    assert np.array_equal(expected.symbols, np.concatenate([part.symbols for part in got]))
    assert whole.keys() == parts.keys()
    assert all(np.array_equal(whole[name], parts[name]) for name in whole)


def test_the_future_changes_nothing():
    batch, rows = stream()
    bank = FeatureBank(EVERYTHING)
    cut = bank.extract(batch.slice(0, 150), rows[:150], bank.fresh(ENTITIES))
    full = bank.extract(batch, rows, bank.fresh(ENTITIES))
    assert np.array_equal(cut.numbers, full.numbers[:150])


def test_save_and_restore_in_mid_stream(tmp_path):
    batch, rows = stream()
    bank = FeatureBank(EVERYTHING)
    state = bank.fresh(ENTITIES)
    bank.extract(batch.slice(0, 150), rows[:150], state)
    np.savez(tmp_path / "state.npz", **state)
    with np.load(tmp_path / "state.npz", allow_pickle=False) as saved:
        restored = {name: saved[name] for name in saved.files}
    rest = batch.slice(150, 300)
    assert np.array_equal(
        bank.extract(rest, rows[150:], state).numbers, bank.extract(rest, rows[150:], restored).numbers
    )


def test_growing_keeps_and_clearing_forgets():
    batch, rows = stream()
    bank = FeatureBank(EVERYTHING)
    small, large = bank.fresh(ENTITIES), bank.fresh(50)
    bank.extract(batch, rows, small)
    bank.extract(batch, rows, large)
    grown = bank.grow(small, 50)
    assert all(np.array_equal(grown[name], large[name]) for name in large)
    bank.clear(grown, np.array([2], dtype=np.int32))
    assert not grown["entity.windows"][2].any()
    assert grown["entity.windows"][1].any()


def test_rows_are_names_not_places():
    batch, rows = stream()
    bank = FeatureBank(EVERYTHING)
    moved = np.array([7, 3, 0, 9, 4], dtype=np.int32)[rows]
    assert np.array_equal(
        bank.extract(batch, rows, bank.fresh(5)).numbers, bank.extract(batch, moved, bank.fresh(10)).numbers
    )


def one(values, entities=None, times=None, **feature):
    """The single feature of a column of values."""
    values = np.asarray(values, dtype=np.float64)
    names = entities if entities is not None else ["all"] * len(values)
    order = {name: at for at, name in enumerate(dict.fromkeys(names))}
    bank = FeatureBank((Feature(name="f", column="x", **feature),))
    batch = EventBatch.from_columns(values[:, None], ["x"], entities=names, timestamps=times)
    rows = np.array([order[name] for name in names], dtype=np.int32)
    return bank.extract(batch, rows, bank.fresh(len(order))).numbers[:, 0]


def test_deviation_of_one_old_entity_is_a_z_score():
    values = np.random.default_rng(0).normal(20.0, 3.0, 4000)
    z = one(values, aggregate="deviation", window=1e6)
    assert z[500:].std() == pytest.approx(1.0, abs=0.05)
    np.testing.assert_allclose(z[2000:], (values[2000:] - 20) / 3, atol=0.35)


def test_deviation_judges_a_young_entity_by_all_entities():
    rng = np.random.default_rng(0)
    values = np.r_[rng.normal(10.0, 1.0, 2000), 10.5, 30.0]
    entities = [f"short {i // 4}" for i in range(2000)] + ["new", "odd"]
    z = one(values, entities, aggregate="deviation")
    assert z[:2000][200:].std() == pytest.approx(1.0, abs=0.15)
    assert abs(z[2000]) < 1
    assert z[2001] > 10


def test_deviation_of_entities_that_differ_is_against_their_own_level():
    rng = np.random.default_rng(0)
    who = np.r_[rng.integers(0, 50, 5000), 7]
    level = rng.normal(0.0, 100.0, 50)
    values = level[who] + rng.normal(0.0, 1.0, 5001)
    values[-1] = level[7] + 8.0
    z = one(values, [f"e{i}" for i in who], aggregate="deviation", window=1e6)
    assert np.abs(z[2000:-1]).mean() == pytest.approx(0.8, abs=0.15)
    assert z[-1] > 5
    second = [np.flatnonzero(who == i)[1] for i in range(50)]
    assert np.median(np.abs(z[second])) < 3, "two events are enough to know an entity's level roughly"


def test_deviation_of_an_idle_entity_falls_back_on_all():
    values = np.r_[np.random.default_rng(0).normal(0, 1, 500), np.full(60, 100.0), 0.0]
    entities = ["many"] * 500 + ["far"] * 60 + ["far"]
    times = np.arange(561) * 1_000_000
    late = times.copy()
    late[-1] += 10**12
    soon, after = (one(values, entities, t, aggregate="deviation", window=600.0)[-1] for t in (times, late))
    assert soon < -30
    assert abs(after) < 5


@pytest.mark.parametrize("aggregate", ["value", "change", "deviation", "sum", "mean"])
@pytest.mark.parametrize(
    "values",
    [
        [7.0] * 50,
        [0.0] * 50,
        [100.0] * 40 + [100.0 + 1e-9] * 10,
        [1e300, -1e300] * 25,
        [1.7e308] * 50,
        [5e-324, 0.0] * 25,
        [1.0, 2.0, 3.0] * 10 + [1e308] + [2.0] * 10,
    ],
    ids=["constant", "zero", "tiny step", "1e300", "largest", "subnormal", "outlier"],
)
def test_odd_values_stay_finite(aggregate, values):
    assert np.isfinite(one(values, aggregate=aggregate)).all()


def test_a_constant_stream_and_a_tiny_step_are_no_surprise():
    z = one([100.0] * 200 + [100.000001], aggregate="deviation")
    assert np.abs(z).max() < 0.1
    assert one([100.0] * 200 + [200.0], aggregate="deviation")[-1] > 50


def test_one_outlier_does_not_blind_a_key():
    values = np.random.default_rng(0).normal(size=1000)
    values[500] = 1e200
    z = one(values, aggregate="deviation", window=1e6)
    assert z[500] > 100
    assert np.abs(z[900:]).mean() == pytest.approx(0.8, abs=0.15)


def test_a_late_event_has_no_gap_and_does_not_turn_time_back():
    times = np.array([0, 10_000_000, 4_000_000, 12_000_000])
    assert one([1.0] * 4, times=times, aggregate="count", window=10.0) == pytest.approx(
        [1.0, 1 + math.exp(-1), 2 + math.exp(-1), 1 + math.exp(-0.2) * (2 + math.exp(-1))]
    )


def test_words_share_a_window_by_their_own_key():
    bank = FeatureBank((Feature(name="n", aggregate="count", key="terminal", window=1e9),))
    batch = EventBatch.from_columns(
        np.zeros((4, 0)), [], entities=["a", "b", "c", "a"], categories={"terminal": ["t1", "t1", "t2", "t1"]}
    )
    numbers = bank.extract(batch, np.array([0, 1, 2, 0], dtype=np.int32), bank.fresh(3)).numbers
    np.testing.assert_allclose(numbers[:, 0], [1, 2, 1, 3], rtol=1e-6)


def test_no_events_and_no_features():
    bank, (batch, rows) = FeatureBank(EVERYTHING), stream()
    empty = bank.extract(batch.slice(0, 0), rows[:0], bank.fresh(1))
    assert empty.numbers.shape == (0, 15)
    assert empty.symbols.shape == (0, 2)
    assert FeatureBank(()).extract(batch, rows, {}).numbers.shape == (300, 0)


def refused(bank, batch, rows, state, said):
    before = {name: array.copy() for name, array in state.items()}
    with pytest.raises(EventError, match=said):
        bank.extract(batch, rows, state)
    assert all(np.array_equal(before[name], state[name]) for name in state), "nothing is changed"


def test_bad_input_is_refused_before_anything_is_changed():
    bank, (batch, rows) = FeatureBank(EVERYTHING), stream(20)
    state = bank.fresh(ENTITIES)
    values = batch.values.copy()
    values[13, 1] = np.nan
    words = {name: batch.category(name).words() for name in ("op", "target")}
    flawed = EventBatch.from_columns(values, ["x", "y"], categories=words)
    refused(bank, flawed, rows, state, r"event 13 \('13'\): y is nan")
    refused(bank, batch, rows + np.int32(1), state, "state row 5 is not within 0..4")
    refused(bank, batch, rows[:-1], state, "19 state rows for 20 events")
    refused(bank, EventBatch.from_columns(values, ["x", "z"], categories=words), rows, state, r"column 'y'.*x, z")
    no_words = EventBatch.from_columns(batch.values, ["x", "y"])
    refused(bank, no_words, rows, state, r"no category column 'op'.*event_type, entity")


def test_names_must_differ():
    with pytest.raises(ConfigError, match=r"'f'.*twice"):
        FeatureBank((Feature(name="f", aggregate="count"), Feature(name="f", aggregate="gap")))
