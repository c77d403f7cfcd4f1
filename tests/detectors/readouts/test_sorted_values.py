"""Where a value stands among few values and among many, which are looked for in different ways."""

import numpy as np
import pytest

from snnlab.detectors.readouts.sorted_values import distance_to, place_of
from snnlab.kernels import kernel


@kernel
def asked(known, count, values, places, distances):
    for t in range(values.size):
        places[t] = place_of(known, 1, count, values[t])
        distances[t] = distance_to(known, 1, count, values[t])


@pytest.mark.parametrize("count", [0, 1, 2, 63, 64, 65, 100, 255, 256, 257, 1000, 1024])
def test_a_value_stands_behind_those_less_than_it(count):
    rng = np.random.default_rng(count)
    known = np.full((3, 1024), -9.0)  # what lies behind those in use is less than any
    known[1, :count] = np.sort(rng.integers(0, 2 * count + 1, count) / 4.0)  # some of them equal
    values = np.concatenate([known[1, :count], rng.uniform(-1.0, count, 500)])
    places, distances = np.zeros(values.size, np.int64), np.zeros(values.size)
    asked(known, count, values, places, distances)
    own = known[1, :count]
    assert places.tolist() == np.searchsorted(own, values).tolist()
    assert distances.tolist() == [np.abs(own - value).min(initial=np.inf) for value in values]
