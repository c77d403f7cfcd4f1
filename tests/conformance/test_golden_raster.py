"""400 recurrent neurons with random weights: every engine fires the float64 reference's raster, spike for spike.

Norse and snnTorch hold it too: Norse's Euler step is the exact decay if its rates are chosen so, and snnTorch decays
exactly. In float32 and int8 spikes diverge, so rates and regularity are compared.
"""

from functools import cache
from math import ceil, log

import numpy as np
import pytest

from snnlab.config import NeuromorphicConfig
from snnlab.reservoirs import NAMES, Network, engine

PLAIN = {
    "performance.spike_precision": "float64",
    "learning.algorithm": "none",
    "learning.homeostasis.rate": 0.0,
    "neuron.adaptation": 0.0,
    "reservoir.inhibition": 0.0,
    "reservoir.input_synapse": "exponential",
}
SPIKES = {1.0: 3396, 0.1: 3441}


@pytest.fixture(params=NAMES)
def name(request, made):
    return made(request.param).name


@cache
def drawn():
    rng = np.random.default_rng(7)
    mask = rng.random((400, 400)) < 0.1
    np.fill_diagonal(mask, val=False)
    pre, post = np.nonzero(mask)
    matrix = np.zeros((400, 400))
    matrix[pre, post] = rng.normal(0.02, 0.05, pre.size)
    return matrix, rng.uniform(0.9, 1.15, 400), rng.random(400)


def golden(**changes):
    matrix, bias, _ = drawn()
    return Network.from_matrix(NeuromorphicConfig().replace(PLAIN | changes), matrix, bias=bias)


def silent(ticks):
    return np.zeros(ticks + 1, np.int64), np.empty(0, np.int32)


def run(name, network, ticks, membrane=None):
    state = network.fresh_state(1)
    if membrane is not None:
        state["membrane"][0] = membrane
    raster = engine(name).simulate(network, network.fresh_learned(), state, 0, silent(ticks))
    return raster.tick, raster.neuron


@pytest.mark.parametrize("tick", SPIKES)
def test_it_fires_as_the_reference_spike_for_spike(name, lif_raster, tick):
    matrix, bias, membrane = drawn()
    found = run(name, golden(tick=tick), round(500 / tick), membrane)
    assert list(zip(*(column.tolist() for column in found), strict=True)) == lif_raster(
        matrix, bias, membrane, tick, round(500 / tick)
    )
    assert found[0].size == SPIKES[tick]


def regularity(tick, neuron):
    """Mean coefficient of variation of the intervals of those that fire often."""
    trains = [tick[neuron == one] for one in range(400)]
    intervals = [np.diff(train) for train in trains if train.size > 10]
    return np.mean([one.std() / one.mean() for one in intervals])


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_at_lower_precision_rates_and_regularity_stay(name, precision):
    membrane = drawn()[2]
    exact = run("native", golden(), 1000, membrane)
    found = run(name, golden(**{"performance.spike_precision": precision}), 1000, membrane)
    assert found[0].size == pytest.approx(exact[0].size, rel=0.03)
    assert regularity(*found) == pytest.approx(regularity(*exact), rel=0.2)
    rates = [np.bincount(neuron, minlength=400) for neuron in (exact[1], found[1])]
    assert np.corrcoef(*rates)[0, 1] > 0.97


def test_firing_follows_the_f_i_curve(name):
    """A constant current I fires each ``refractory + ceil(tau ln(I / (I - 1)) / tick)`` ticks."""
    currents = np.array([0.99, 1.05, 1.2, 2.0, 5.0])
    network = Network.from_matrix(NeuromorphicConfig().replace(PLAIN | {"tick": 0.1}), np.zeros((5, 5)), bias=currents)
    tick, neuron = run(name, network, 3000)
    assert not (neuron == 0).any()
    for one, current in enumerate(currents[1:], start=1):
        interval = 20 + ceil(200 * log(current / (current - 1.0)))
        assert np.diff(tick[neuron == one]).tolist() == [interval] * ((3000 + 20) // interval - 1)


def test_equal_time_constants_are_a_limit_like_any_other(name):
    """The membrane's answer to a current of one is ``t / tau exp(-t / tau)``."""
    if name == "brian2":
        pytest.skip("Brian 2 refuses equal time constants: see test_peers")
    config = NeuromorphicConfig().replace(PLAIN | {"neuron.tau_synapse": 20.0})
    network = Network.from_matrix(config, np.zeros((2, 2)))
    state = network.fresh_state(1)
    state["current"][0] = [1.0, 0.5]
    engine(name).simulate(network, network.fresh_learned(), state, 0, silent(30))
    np.testing.assert_allclose(state["membrane"][0], np.array([1.0, 0.5]) * 1.5 * np.exp(-1.5), rtol=1e-12)
    np.testing.assert_allclose(state["current"][0], np.array([1.0, 0.5]) * np.exp(-1.5), rtol=1e-12)
