"""Plain NumPy, float64, one neuron or synapse at a time where that reads better: what the engines are held to."""

from math import exp

import numpy as np
import pytest


def _lif_raster(matrix, bias, v0, tick, ticks, tau_m=20.0, tau_s=5.0, refractory=2.0, delay=1.0):
    """Spikes (tick, neuron) of a static network in NEST's order of operations for iaf_psc_exp."""
    p22, p11 = exp(-tick / tau_m), exp(-tick / tau_s)
    p21, p20 = tau_s / (tau_s - tau_m) * (p11 - p22), 1 - p22
    lag, hold = round(delay / tick), round(refractory / tick)
    v, i, left = v0.copy(), np.zeros(v0.size), np.zeros(v0.size, int)
    ring = np.zeros((lag, v0.size))
    spikes = []
    for t in range(ticks):
        active = left == 0
        v = np.where(active, p22 * v + p21 * i + p20 * bias, v)
        left = np.where(active, left, left - 1)
        i = p11 * i + ring[t % lag]
        ring[t % lag] = 0
        fired = np.flatnonzero((v >= 1.0) & active)
        v[fired], left[fired] = 0.0, hold
        if fired.size:
            ring[t % lag] = matrix[fired].sum(axis=0)
            spikes += [(t, int(k)) for k in fired]
    return spikes


def _stdp_weights(matrix, raster, a_plus, a_minus, tau_pre, tau_post, w_max):
    """Weights after a forced raster [ticks, neurons] of nearest-neighbour pair STDP with hard bounds."""
    weights, last = matrix.copy(), np.full(raster.shape[1], -np.inf)
    exists = matrix > 0
    for t, fired in enumerate(raster.astype(bool)):
        pre, post = a_plus * np.exp(-(t - last) / tau_pre), a_minus * np.exp(-(t - last) / tau_post)
        weights = np.where(exists & fired[None, :], np.minimum(weights + pre[:, None], w_max), weights)
        weights = np.where(exists & fired[:, None], np.maximum(weights - post[None, :], 0.0), weights)
        last[fired] = t
    return weights


@pytest.fixture
def lif_raster():
    return _lif_raster


@pytest.fixture
def stdp_weights():
    return _stdp_weights
