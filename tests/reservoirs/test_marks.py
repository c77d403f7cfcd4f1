"""Marks: who fired, found 64 at a time."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from snnlab.reservoirs.engines.native.marks import gather, no_marks, spiked_ago


@njit
def gathered(marks, out):
    return gather(marks, out)


@njit
def ago(age, ticks, marks, due):
    return spiked_ago(age, ticks, marks, due)


@settings(deadline=None)  # the first call compiles
@given(st.integers(1, 300), st.data())
def test_the_places_of_all_marks_are_found_in_order(neurons, data):
    marks, out = no_marks(neurons), np.zeros(neurons, np.int64)
    for at in data.draw(st.sets(st.integers(0, neurons - 1))):
        marks[at] = data.draw(st.integers(1, 255))
    assert out[: gathered(marks, out)].tolist() == np.flatnonzero(marks).tolist()


@settings(deadline=None)  # the first call compiles
@given(st.lists(st.integers(0, 65535), min_size=1, max_size=200), st.integers(0, 65535))
def test_neurons_that_spiked_so_many_ticks_ago(ages, ticks):
    age = np.array(ages, np.uint16)
    age[0] = ticks
    due = np.zeros(age.size, np.int64)
    found = due[: ago(age, ticks, no_marks(age.size), due)]
    assert found.tolist() == np.flatnonzero(age == ticks).tolist()
