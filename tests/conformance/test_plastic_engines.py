"""Engines that learn by STDP, against a float64 reference that knows nothing of any engine's tricks.

Every neuron is made to fire when the test says so, by an input of its own. Brian 2 learns what ``native`` learns. NEST
sees postsynaptic spikes a delay late, so it is held to spikes that are further apart than that.
"""

import numpy as np
import pytest

from snnlab.config import NeuromorphicConfig
from snnlab.reservoirs import Network, engine
from snnlab.reservoirs.engines import installed

FORCED = {
    "performance.spike_precision": "float64",
    "learning.homeostasis.rate": 0.0,
    "learning.tau_post": 30.0,
    "neuron.adaptation": 0.0,
    "neuron.refractory": 0.0,
    "neuron.tau_synapse": 0.1,  # an input spike's current is gone before the next tick
    "reservoir.input_synapse": "exponential",
    "reservoir.inhibition": 0.0,
}


def learnt(name, matrix, raster):
    if name not in installed():
        pytest.skip(f"{name} is not installed: pip install 'snnlab[research]'")
    network = Network.from_matrix(NeuromorphicConfig().replace(FORCED), matrix, inputs=np.eye(len(matrix)) * 300.0)
    learned = network.fresh_learned()
    ptr = np.concatenate([[0], np.cumsum(raster.sum(axis=1))])
    found = engine(name).simulate(
        network, learned, network.fresh_state(1), 0, (ptr, np.nonzero(raster)[1].astype(np.int32)), learn=True
    )
    assert found.neuron.tolist() == np.nonzero(raster)[1].tolist()
    assert found.tick.tolist() == np.nonzero(raster)[0].tolist()
    weights = np.zeros(matrix.shape)
    np.put_along_axis(weights, network.targets.astype(np.int64), learned["weights"], axis=1)
    return weights, network.w_max


def drawn(neurons, inhibitory=3):
    rng = np.random.default_rng(5)
    matrix = np.where(rng.random((neurons, neurons)) < 0.3, rng.uniform(0.5, 1.5, (neurons, neurons)), 0.0) * 1e-4
    np.fill_diagonal(matrix, 0.0)
    matrix[inhibitory] *= -1.0
    return matrix


def reference(stdp_weights, matrix, raster, w_max, inhibitory=3):
    a_plus = 0.01 * w_max
    expected = stdp_weights(np.maximum(matrix, 0.0), raster, a_plus, 1.05 * a_plus * 20 / 30, 20.0, 30.0, w_max)
    expected[inhibitory] = matrix[inhibitory]
    return expected


@pytest.mark.parametrize("name", ["native", "brian2"])
def test_stdp_equals_the_reference_for_any_spikes(name, stdp_weights):
    matrix = drawn(40)
    raster = np.random.default_rng(6).random((800, 40)) < np.random.default_rng(7).gamma(1.0, 0.03, 40)
    weights, w_max = learnt(name, matrix, raster)
    expected = reference(stdp_weights, matrix, raster, w_max)
    assert np.abs(weights - expected).max() <= 1e-12 * w_max
    assert np.abs(expected - matrix).max() > 0.2 * w_max


@pytest.mark.parametrize("name", ["native", "brian2", "nest"])
def test_stdp_equals_the_reference_for_spikes_further_apart_than_the_delay(name, stdp_weights):
    matrix, rng = drawn(20), np.random.default_rng(8)
    raster = np.zeros((900, 20), bool)
    at = np.arange(2, 900, 3)
    raster[at, rng.choice(20, at.size, p=rng.dirichlet(np.ones(20)))] = True
    weights, w_max = learnt(name, matrix, raster)
    expected = reference(stdp_weights, matrix, raster, w_max)
    assert np.abs(weights - expected).max() <= 1e-9 * w_max
    assert np.abs(expected - matrix).max() > 0.05 * w_max


def test_with_closer_spikes_nest_learns_nearly_the_same(stdp_weights):
    matrix = drawn(40)
    raster = np.random.default_rng(6).random((800, 40)) < 0.02
    weights, w_max = learnt("nest", matrix, raster)
    expected = reference(stdp_weights, matrix, raster, w_max)
    plastic = expected > 0
    assert np.corrcoef(weights[plastic], expected[plastic])[0, 1] > 0.95
