"""What every encoder must hold, the built-in ones and one that a user wrote."""

import doctest
import importlib
import json
import pickle
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydantic import Field

from snnlab.encoders import KINDS, Delta, Encoder, Rate, Spikes, encoder_from_json, is_custom, load_source, source_of
from snnlab.encoders.base import finite
from snnlab.errors import EventError
from snnlab.types import Arrays


class Record(Encoder):
    """New highs and lows fire: a code of a user's own, with something learnt.

    >>> Record().width
    3
    """

    kind: ClassVar[str] = "record"

    margin: float = Field(default=0.0, ge=0)

    @property
    def width(self) -> int:
        return 3

    def fresh(self) -> Arrays:
        return {"bounds": np.array([np.inf, -np.inf])}

    def encode(self, values, learnt, *, learn=True, ticks=1):
        row, bounds = finite(values), learnt["bounds"]
        symbol = np.ones(len(row), dtype=np.int32)
        for i, x in enumerate(row):
            if np.isfinite(bounds[0]):
                symbol[i] = 0 if x < bounds[0] - self.margin else 2 if x > bounds[1] + self.margin else 1
            if learn:
                bounds[:] = min(bounds[0], x), max(bounds[1], x)
        address = np.where(symbol == 1, -1, symbol).astype(np.int32)[:, None]
        return Spikes(address, np.zeros_like(address), symbol)


BUILT_IN = [cls for cls in KINDS.values() if not is_custom(cls)]
CODES = [
    *(cls() for cls in BUILT_IN),
    Delta(levels=3, differenced=True),
    Rate(neurons=5, peak=0.3),
    Record(margin=0.5),
    load_source(source_of(Record))(),
]
every = pytest.mark.parametrize("code", CODES, ids=lambda code: f"{type(code).__module__.split('.')[-1]}-{code.kind}")
tick_counts = pytest.mark.parametrize("ticks", [1, 7])
hypothesis_settings = settings(derandomize=True, deadline=None, max_examples=25)
streams = hnp.arrays(
    np.float64,
    st.integers(0, 40),
    elements=st.one_of(
        st.floats(allow_nan=False, allow_infinity=False), st.floats(-10, 10), st.sampled_from([0.0, 5e-324, 1e300])
    ),
)


def walk_values(n=400, seed=1):
    rng = np.random.default_rng(seed)
    return np.cumsum(rng.normal(size=n)) * 10 + rng.integers(0, 3, n)


def same(a: Spikes, b: Spikes) -> bool:
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ("address", "tick", "symbol"))


def joined(parts):
    return Spikes(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("address", "tick", "symbol")))


def copied(learnt):
    return {name: array.copy() for name, array in learnt.items()}


def equal_arrays(a, b):
    return a.keys() == b.keys() and all(
        np.array_equal(a[name], b[name]) and a[name].dtype == b[name].dtype for name in a
    )


@every
def test_json_and_pickle_give_the_same_code(code):
    again = encoder_from_json(json.loads(json.dumps(code.to_json())), kinds={code.kind: type(code)})
    assert again == code
    if type(code).__module__ != __name__:  # a test module has no name to be found by
        assert pickle.loads(pickle.dumps(code)) == code  # noqa: S301 - our own bytes


@every
def test_fields_are_frozen_and_unknown_ones_refused(code):
    with pytest.raises(ValueError, match="frozen"):
        setattr(code, next(iter(type(code).model_fields)), 3)
    with pytest.raises(ValueError, match="surprise"):
        type(code)(surprise=1)


@every
@tick_counts
@hypothesis_settings
@given(values=streams, learn=st.booleans())
def test_addresses_ticks_and_symbols_stay_in_range(code, ticks, values, learn):
    spikes = code.encode(values, code.fresh(), learn=learn, ticks=ticks)
    assert spikes.address.dtype == spikes.tick.dtype == spikes.symbol.dtype == np.int32
    assert spikes.address.shape == spikes.tick.shape
    assert len(spikes.address) == len(spikes.symbol) == len(spikes) == len(values)
    assert ((spikes.address >= -1) & (spikes.address < code.width)).all()
    assert ((spikes.tick >= 0) & (spikes.tick < ticks)).all()
    assert (spikes.tick[spikes.address < 0] == 0).all()
    assert ((spikes.symbol >= 0) & (spikes.symbol < code.width)).all()


@every
@hypothesis_settings
@given(values=streams, cut=st.integers(0, 40))
def test_cutting_a_stream_anywhere_changes_no_spike(code, values, cut):
    whole, parts = code.fresh(), code.fresh()
    expected = code.encode(values, whole, ticks=3)
    got = joined([code.encode(values[:cut], parts, ticks=3), code.encode(values[cut:], parts, ticks=3)])
    assert same(expected, got)
    assert equal_arrays(whole, parts)


@every
def test_one_value_at_a_time_is_the_same_as_all_at_once(code):
    values, learnt = walk_values(100), code.fresh()
    one_by_one = joined([code.encode(values[i : i + 1], learnt, ticks=4) for i in range(len(values))])
    assert same(one_by_one, code.encode(values, code.fresh(), ticks=4))


@every
def test_the_future_changes_nothing(code):
    values = walk_values()
    other = np.concatenate([values[:200], -1e6 * values[200:]])
    past = [code.encode(stream, code.fresh(), ticks=2) for stream in (values, other, values[:200])]
    assert same(*(Spikes(s.address[:200], s.tick[:200], s.symbol[:200]) for s in past[:2]))
    assert same(past[2], Spikes(past[0].address[:200], past[0].tick[:200], past[0].symbol[:200]))


@every
def test_save_and_restore_in_mid_stream(code, tmp_path):
    values, learnt = walk_values(), code.fresh()
    code.encode(values[:200], learnt)
    np.savez(tmp_path / "learnt.npz", **learnt)
    with np.load(tmp_path / "learnt.npz", allow_pickle=False) as saved:
        restored = {name: saved[name] for name in saved.files}
    assert equal_arrays(restored, learnt)
    assert same(code.encode(values[200:], restored), code.encode(values[200:], learnt))


@every
def test_it_is_deterministic_and_keeps_the_input(code):
    values = walk_values()
    before = values.copy()
    values.flags.writeable = False
    assert same(code.encode(values, code.fresh()), code.encode(values, code.fresh()))
    assert np.array_equal(values, before)
    assert same(code.encode(values[::-1][::2], code.fresh()), code.encode(values[::-1][::2].copy(), code.fresh()))


@every
def test_without_learn_the_range_stands_still(code):
    values, learnt = walk_values(), code.fresh()
    code.encode(values[:100], learnt)
    if isinstance(code, Delta):
        scale = learnt["range"][:2].copy()
        code.encode(values[100:], learnt, learn=False)
        assert np.array_equal(learnt["range"][:2], scale)
        return
    before = copied(learnt)
    code.encode(values[100:], learnt, learn=False)
    assert equal_arrays(learnt, before)


@every
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused_by_row_before_anything_is_learnt(code, bad):
    values, learnt = walk_values(10), code.fresh()
    values[7] = bad
    before = copied(learnt)
    with pytest.raises(EventError, match="row 7"):
        code.encode(values, learnt)
    assert equal_arrays(learnt, before)


@every
def test_more_than_one_axis_is_refused(code):
    with pytest.raises(EventError, match="2 axes"):
        code.encode(np.zeros((3, 2)), code.fresh())


@every
@pytest.mark.parametrize(
    "values",
    [
        np.full(300, 7.0),
        np.zeros(300),
        np.r_[np.full(200, 100.0), np.full(100, 100.0 + 1e-9)],
        np.r_[np.full(200, 5e-324), np.zeros(100)],
        np.r_[np.tile([1e300, -1e300], 100), np.full(100, 1.7e308)],
        np.r_[np.random.default_rng(0).normal(size=200), [1e308], np.random.default_rng(1).normal(size=99)],
    ],
    ids=["constant", "zero", "tiny step", "subnormal", "1e300", "huge outlier"],
)
def test_odd_streams_leave_finite_knowledge(code, values):
    learnt = code.fresh()
    with np.errstate(divide="raise", over="raise", invalid="raise"):
        spikes = code.encode(values, learnt, ticks=2)
    assert ((spikes.symbol >= 0) & (spikes.symbol < code.width)).all()
    assert all(np.isfinite(array).all() for array in learnt.values())


@pytest.mark.parametrize("cls", BUILT_IN, ids=lambda cls: cls.kind)
def test_it_is_documented_with_an_example_that_runs(cls):
    assert ">>>" in cls.__doc__
    assert "Source:" in cls.__doc__
    assert all(name in cls.__doc__ for name in cls.model_fields), "every parameter is told"
    module = importlib.import_module(cls.__module__)
    assert doctest.testmod(module).failed == 0
    assert KINDS[cls.kind] is cls
