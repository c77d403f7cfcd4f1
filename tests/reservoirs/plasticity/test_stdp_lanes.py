import numpy as np
import pytest
from numba import njit

from snnlab.reservoirs.plasticity.stdp_lanes import EIGHT, QUAD, grow_eight, pair_eight

NEURONS, FIRST, AT = 50, 2, 5


@njit
def grown(near, first, reached, own, k, x, w_max):
    grow_eight(near, first, reached, own, k, x, w_max)


@njit
def paired(near, first, reached, own, k, x, w_max, faded, x_now, arriving):
    pair_eight(near, first, reached, own, k, x, w_max, faded, x_now, arriving)


@pytest.fixture(params=[np.float32, np.float64])
def row(request):
    """Three sets of quads, of which one is read, and a row whose synapses from the fifth on learn."""
    rng, real = np.random.default_rng(3), request.param
    near = rng.uniform(0.1, 1.0, (3, NEURONS, QUAD)).astype(real)
    reached = rng.choice(NEURONS, 20, replace=False).astype(np.uint16)
    return near, reached, rng.uniform(0.0, 1.0, 20).astype(real), real


def test_eight_weights_grow_and_are_bounded(row):
    near, reached, own, real = row
    expected, eight = own.copy(), slice(AT, AT + EIGHT)
    x, w_max = real(0.5), real(0.9)
    expected[eight] = np.minimum(own[eight] + x * near[FIRST, reached[eight], 0], w_max)
    grown(near.reshape(-1), FIRST * NEURONS * QUAD, reached, own, AT, x, w_max)
    assert own.tolist() == expected.tolist()
    assert 0 < (own[eight] == w_max).sum() < EIGHT


@pytest.mark.parametrize("targets", [np.uint16, np.int32, np.int64])
def test_eight_synapses_learn_and_bring_what_they_then_weigh(row, targets):
    near, reached, own, real = row
    eight = slice(AT, AT + EIGHT)
    x, w_max, faded, x_now = real(0.5), real(0.9), real(1.2), real(0.25)
    total, current, fading, _ = near[FIRST, reached[eight]].T
    weight = np.maximum(np.minimum(own[eight] + x * total, w_max) - faded * fading, real(0))
    expected, arriving, begun = own.copy(), np.zeros(NEURONS, real), np.arange(NEURONS, dtype=real)
    expected[eight], arriving[:] = weight - x_now * current, begun
    begun[reached[eight]] += weight
    row_targets = reached.astype(targets)
    paired(near.reshape(-1), FIRST * NEURONS * QUAD, row_targets, own, AT, x, w_max, faded, x_now, arriving)
    assert own.tolist() == expected.tolist()
    assert arriving.tolist() == begun.tolist()
    assert 0 < (weight == 0).sum() < EIGHT
