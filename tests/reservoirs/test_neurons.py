from math import ceil, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnlab.config import NeuromorphicConfig
from snnlab.errors import ConfigError
from snnlab.reservoirs import Network, engine
from snnlab.reservoirs.neurons import Lif, propagators, psp_peak

PLAIN = {
    "performance.spike_precision": "float64",
    "learning.algorithm": "none",
    "learning.homeostasis.rate": 0.0,
    "neuron.adaptation": 0.0,
    "reservoir.inhibition": 0.0,
}


def run(network, ticks, membrane=None):
    learned, state = network.fresh_learned(), network.fresh_state(1)
    if membrane is not None:
        state["membrane"][0] = membrane
    raster = engine().simulate(network, learned, state, 0, (np.zeros(ticks + 1, np.int64), np.empty(0, np.int32)))
    return list(zip(raster.tick.tolist(), raster.neuron.tolist(), strict=True))


@pytest.mark.parametrize(("tick", "spikes"), [(1.0, 3396), (0.1, 3441)])
def test_400_neurons_equal_the_float64_reference_spike_for_spike(lif_raster, tick, spikes):
    rng = np.random.default_rng(7)
    mask = rng.random((400, 400)) < 0.1
    np.fill_diagonal(mask, val=False)
    pre, post = np.nonzero(mask)
    matrix = np.zeros((400, 400))
    matrix[pre, post] = rng.normal(0.02, 0.05, pre.size)
    bias, v0 = rng.uniform(0.9, 1.15, 400), rng.random(400)
    network = Network.from_matrix(NeuromorphicConfig().replace(PLAIN | {"tick": tick}), matrix, bias=bias)
    found = run(network, round(500 / tick), v0)
    assert found == lif_raster(matrix, bias, v0, tick, round(500 / tick))
    assert len(found) == spikes


@pytest.mark.parametrize("current", [1.05, 1.2, 2.0, 5.0])
def test_firing_follows_the_f_i_curve(current):
    network = Network.from_matrix(
        NeuromorphicConfig().replace(PLAIN | {"tick": 0.1}), np.zeros((2, 2)), bias=np.array([current, 0.99])
    )
    found = run(network, 5000)
    interval = 20 + ceil(200 * log(current / (current - 1.0)))
    assert np.diff([tick for tick, neuron in found if neuron == 0]).tolist() == [interval] * (
        (5000 + 20) // interval - 1
    )
    assert all(neuron == 0 for _, neuron in found)


@settings(derandomize=True, deadline=None, max_examples=50)
@given(st.floats(1, 100), st.floats(-1e-7, 1e-7), st.floats(0.05, 2))
def test_propagators_pass_smoothly_through_equal_time_constants(tau, off, step):
    limit = step / tau * np.exp(-step / tau)
    assert propagators(tau, tau * (1 + off), step).current_to_membrane == pytest.approx(limit, rel=1e-6)
    assert propagators(tau, tau, step).current_to_membrane == pytest.approx(limit, rel=1e-14)


@settings(derandomize=True, deadline=None, max_examples=50)
@given(st.floats(1, 100), st.floats(1, 100), st.floats(0.05, 5))
def test_two_half_steps_are_a_step(tau_m, tau_s, step):
    half, whole = propagators(tau_m, tau_s, step / 2), propagators(tau_m, tau_s, step)
    assert half.membrane**2 == pytest.approx(whole.membrane)
    twice = half.membrane * half.current_to_membrane + half.current_to_membrane * half.current
    assert twice == pytest.approx(whole.current_to_membrane)


def test_a_network_with_equal_time_constants_runs():
    config = NeuromorphicConfig().replace(
        PLAIN | {"neuron.tau_synapse": 20.0, "reservoir.input_synapse": "exponential"}
    )
    network = Network.from_matrix(config, np.zeros((2, 2)), inputs=np.array([[1.0, 0.0]]))
    state = network.fresh_state(1)
    ptr = np.array([0] + [1] * 20, np.int64)
    engine().simulate(network, network.fresh_learned(), state, 0, (ptr, np.zeros(1, np.int32)))
    assert state["membrane"][0, 0] == pytest.approx(np.exp(-1.0))
    assert psp_peak(20.0, 20.0) == pytest.approx(np.exp(-1.0))


@pytest.mark.parametrize(("delay", "refractory"), [(4.0, 2.0), (0.2, 2.0)])
def test_a_delay_that_would_lose_spikes_is_refused(delay, refractory):
    config = NeuromorphicConfig().replace({"reservoir.delay": delay, "neuron.refractory": refractory})
    with pytest.raises(ConfigError, match="delay"):
        Lif.of(config)


def test_the_threshold_adapts():
    plain = NeuromorphicConfig().replace(PLAIN)
    networks = [
        Network.from_matrix(plain.replace({"neuron.adaptation": rise}), np.zeros((1, 1)), bias=np.array([2.0]))
        for rise in (0.0, 0.2)
    ]
    steady, adapting = (np.diff([tick for tick, _ in run(network, 300)]) for network in networks)
    assert set(steady) == {steady[0]}
    assert adapting[-1] > adapting[0] >= steady[0]
