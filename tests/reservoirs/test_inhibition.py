import numpy as np
import pytest

from snnlab.config import NeuromorphicConfig
from snnlab.reservoirs import Network, engine
from snnlab.reservoirs.neurons import charge

STATIC = {"learning.algorithm": "none", "learning.homeostasis.rate": 0.0}


def firing(inhibition):
    """Per event of a strong common input: how many neurons fired together."""
    config = NeuromorphicConfig().replace(
        STATIC | {"reservoir.inhibition": inhibition, "reservoir.input_strength": 0.1}
    )
    network = Network.build(config, n_inputs=64, seed=2)
    address = np.random.default_rng(0).integers(0, 64, (4000, 16)).astype(np.int32)
    rows, gap = np.zeros(4000, np.int32), np.zeros(4000, np.int64)
    activity = engine().drive(
        network, network.fresh_learned(), network.fresh_state(1), rows, address, address * 0, gap, 1
    )
    return np.diff(activity.ptr)[500:]


def test_lateral_inhibition_lowers_co_firing_step_by_step():
    together = [firing(inhibition) for inhibition in (0.0, 1.0, 5.0)]
    pairs = [(n * (n - 1) / 2).mean() for n in together]
    assert pairs[0] > 1.5 * pairs[1] > 2.0 * pairs[2] > 0


def test_lateral_inhibition_is_the_dense_matrix_it_stands_for():
    config = NeuromorphicConfig().replace(
        STATIC | {"performance.spike_precision": "float64", "reservoir.inhibition": 2.0}
    )
    rng = np.random.default_rng(4)
    matrix = np.where(rng.random((40, 40)) < 0.2, rng.normal(0.2, 0.3, (40, 40)), 0.0)
    bias = rng.uniform(1.0, 1.4, 40)
    pooled = Network.from_matrix(config, matrix, bias=bias)
    uniform = matrix - 2.0 / (40 * charge(config))
    spelled = Network.from_matrix(config.replace({"reservoir.inhibition": 0.0}), uniform, bias=bias)
    silent = np.zeros(401, np.int64), np.empty(0, np.int32)
    rasters = [
        engine().simulate(network, network.fresh_learned(), network.fresh_state(1), 0, silent)
        for network in (pooled, spelled)
    ]
    assert rasters[0].neuron.size > 100
    assert np.array_equal(rasters[0].neuron, rasters[1].neuron)
    assert np.array_equal(rasters[0].tick, rasters[1].tick)
    assert pooled.lateral == pytest.approx(2.0 / (40 * charge(config)))
