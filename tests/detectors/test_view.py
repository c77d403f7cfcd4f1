"""What a readout sees of an event."""

import numpy as np
import pytest

from snnlab.detectors.readouts import Context, Inputs, Level, Shape
from snnlab.detectors.view import View
from snnlab.domains import ReadoutSpec
from snnlab.errors import ConfigError
from snnlab.features import Feature

FEATURES = (
    Feature(name="t", column="t", group="heat"),
    Feature(name="v", column="v", group="wear"),
    Feature(name="colour", aggregate="category", column="colour", group="part"),
    Feature(name="maker", aggregate="category", column="maker", group="wear"),
)


def sees(*groups, **more):
    return ReadoutSpec(kind="level", groups=groups, **more)


SHAPE = Shape(2, 2, 10, 8, (3, 4, 5, 6))


def inputs():
    n = 3
    return Inputs(
        np.zeros(n, np.int32), np.zeros(n, np.int32), np.arange(3.0), np.array([[1.0, 2.0]] * n),
        np.array([[30, 40]] * n, np.int32), np.array([[0, 1, 2, 3]] * n, np.int32), np.zeros(n + 1, np.int64),
        np.zeros(0, np.int32),
    )  # fmt: skip


def test_without_groups_it_sees_all_as_it_is():
    stream = inputs()
    view = View.of(Level(), sees(), FEATURES, SHAPE)
    assert view.seen(stream) is stream
    assert view.shape == SHAPE
    assert view.columns == (0, 1)


def test_with_groups_it_sees_their_features_only():
    view = View.of(Level(), sees("wear"), FEATURES, SHAPE)
    seen = view.seen(inputs())
    assert seen.numbers.tolist() == [[2.0]] * 3
    assert seen.categories.tolist() == [[40]] * 3
    assert seen.codes.tolist() == [[1, 3]] * 3
    assert (view.shape.numbers, view.shape.categories, view.shape.symbols) == (1, 1, (4, 6))
    assert view.columns == (1,)
    assert View.of(Context(), sees("wear"), FEATURES, SHAPE).columns == (3, 3, 3, 3)


def test_groups_without_features_are_named_with_those_there_are():
    with pytest.raises(
        ConfigError, match=r"'level' sees \['tides'\].*heat \(value\), wear \(value\), part \(category\)"
    ):
        View.of(Level(), sees("tides"), FEATURES, SHAPE)


def test_it_can_be_told_by_how_features_are_made():
    spec = sees(aggregates=("category",))
    assert View.of(Context(), spec, FEATURES, SHAPE).categories.tolist() == [0, 1]
    with pytest.raises(ConfigError, match=r"sees \['deviation'\], and no feature is like that"):
        View.of(Level(), sees(aggregates=("deviation",)), FEATURES, SHAPE)
