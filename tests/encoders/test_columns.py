"""Columns in one compiled call: what fires, fires as each encoder alone says, also in volleys."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from snnlab.encoders import Category, Population, Temporal
from snnlab.encoders.columns import ColumnCodes

ENCODERS = (Temporal(neurons=8), Category(neurons=16, active=2), Temporal(neurons=3, reach=2.0), Population(fields=5))
FIRST = np.array([0, 8, 24, 27])
INPUTS = 32
VALUES = st.lists(st.tuples(*[st.floats(-1e6, 1e6, allow_subnormal=False)] * len(ENCODERS)), min_size=1, max_size=40)


def encoded(codes, values, learn=True, inputs=INPUTS):
    ranges = np.zeros((len(ENCODERS), 3))
    return codes.encode(np.array(values), ranges, FIRST, inputs, learn=learn, ticks=1)


def fired(addresses, volleys):
    """The input neurons of each event, those of volleys told one by one."""
    runs = [range(first, first + count) for first, count in volleys.tolist()]
    return [
        [neuron for one in row if one >= 0 for neuron in ([one] if one < INPUTS else runs[one - INPUTS])]
        for row in addresses.tolist()
    ]


@settings(deadline=None)  # the first call compiles
@given(VALUES)
def test_each_column_fires_as_its_encoder_alone(values):
    address, _, words = encoded(ColumnCodes.of(ENCODERS), values)
    seat = 0
    for j, encoder in enumerate(ENCODERS):
        alone = encoder.encode(np.array(values)[:, j], encoder.fresh(), ticks=1)
        seats = alone.address.shape[1]
        expected = np.where(alone.address >= 0, alone.address + FIRST[j], -1)
        np.testing.assert_array_equal(address[:, seat : seat + seats], expected)
        np.testing.assert_array_equal(words[:, j], alone.symbol)
        seat += seats


@settings(deadline=None)
@given(VALUES)
def test_volleys_are_the_same_neurons_in_fewer_seats(values):
    plain = ColumnCodes.of(ENCODERS)
    joined, volleys = plain.in_volleys(FIRST, INPUTS)
    one_by_one, _, words = encoded(plain, values)
    at_once, _, own_words = encoded(joined, values)
    assert at_once.shape[1] == one_by_one.shape[1] - 7 - 2
    assert fired(at_once, volleys) == fired(one_by_one, volleys)
    np.testing.assert_array_equal(words, own_words)


def test_a_code_that_is_folded_onto_the_layer_fires_no_volley():
    joined, volleys = ColumnCodes.of(ENCODERS).in_volleys(FIRST, 26)
    assert joined.volleys.tolist() == [0, -1, -1, -1]
    assert volleys.tolist() == [[0, count] for count in range(1, 9)]
    address, _, _ = encoded(joined, np.random.default_rng(0).normal(size=(50, 4)), inputs=26)
    assert address.max() >= 26  # a volley
    assert address[:, 1:].max() < 26
