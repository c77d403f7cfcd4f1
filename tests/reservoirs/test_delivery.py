import numpy as np
import pytest
from numba import njit

from snnlab.config import NeuromorphicConfig
from snnlab.errors import ConfigError
from snnlab.reservoirs import Network, engine
from snnlab.reservoirs.engines.native import plan as native_plan
from snnlab.reservoirs.engines.native.delivery import deliver, expands, masks_of
from snnlab.reservoirs.engines.native.plan import Plan

needs_expansion = pytest.mark.skipif(not expands(), reason="this processor has no AVX-512 VBMI2")
QUANTISED = {"performance.spike_precision": "int8", "learning.algorithm": "none"}


@njit
def brought(addresses, levels, degree, scale, spikes, arriving, sums):
    deliver(addresses, levels.reshape(-1), degree, scale, spikes, spikes.size, arriving, sums)


def rows(neurons, degree, seed=0):
    rng = np.random.default_rng(seed)
    targets = np.sort(np.argsort(rng.random((neurons, neurons)), axis=1)[:, :degree], axis=1).astype(np.uint16)
    return targets, rng.integers(-127, 128, (neurons, degree)).astype(np.int8)


def delivered(addresses, levels, spikes, neurons):
    arriving, sums = np.ones(neurons, np.float32), np.zeros(-(-neurons // 64) * 64, np.int16)
    brought(addresses, levels, levels.shape[1], np.float32(0.25), spikes, arriving, sums)
    assert not sums.any()
    return arriving


def by_hand(targets, levels, spikes, neurons):
    sums = np.zeros(neurons, int)
    for row in spikes:
        sums[targets[row]] += levels[row]
    return 1.0 + 0.25 * sums


@pytest.mark.parametrize(("neurons", "degree"), [(64, 7), (65, 65), (500, 40), (700, 350)])
@pytest.mark.parametrize("spikes", [0, 1, 7, 8, 9, 64])
@pytest.mark.parametrize("kernel", ["levels", pytest.param("masks", marks=needs_expansion)])
def test_levels_add_up_as_integers(neurons, degree, spikes, kernel):
    targets, levels = rows(neurons, degree)
    chosen = np.sort(np.random.default_rng(1).permutation(neurons)[:spikes])
    addresses = targets if kernel == "levels" else masks_of(targets, neurons)
    assert np.array_equal(delivered(addresses, levels, chosen, neurons), by_hand(targets, levels, chosen, neurons))


@pytest.mark.parametrize("kernel", ["levels", pytest.param("masks", marks=needs_expansion)])
def test_more_rows_than_sixteen_bits_hold_do_not_overflow(kernel):
    targets, levels = rows(600, 600)
    levels[:] = 127
    spikes = np.arange(600)
    addresses = targets if kernel == "levels" else masks_of(targets, 600)
    assert (delivered(addresses, levels, spikes, 600) == 1.0 + 0.25 * 127 * 600).all()


def test_masks_hold_a_bit_a_target():
    targets, _ = rows(200, 31)
    bits = np.unpackbits(masks_of(targets, 200).view(np.uint8), axis=1, bitorder="little")[:, :200]
    assert all(np.flatnonzero(bits[i]).tolist() == targets[i].tolist() for i in range(200))


def run(network, kernel, monkeypatch):
    monkeypatch.setattr(native_plan, "_best_kernel", lambda network: kernel)
    native_plan._PLANS.clear()
    state, rng = network.fresh_state(1), np.random.default_rng(0)
    address = rng.integers(0, network.n_inputs, 600 * 12).astype(np.int32)
    raster = engine().simulate(network, network.fresh_learned(), state, 0, (np.arange(601) * 12, address))
    native_plan._PLANS.clear()
    return raster, state


@needs_expansion
def test_a_network_fires_alike_to_the_last_spike_by_either_kernel(monkeypatch):
    network = Network.build(NeuromorphicConfig().replace(QUANTISED), 100)
    one, state = run(network, "levels", monkeypatch)
    other, own = run(network, "masks", monkeypatch)
    assert one.neuron.size > 500
    assert np.array_equal(one.neuron, other.neuron)
    assert np.array_equal(one.tick, other.tick)
    assert all(np.array_equal(state[name], own[name]) for name in state)


def test_quantised_it_fires_as_the_very_same_weights_in_floats(monkeypatch):
    network = Network.build(NeuromorphicConfig().replace(QUANTISED), 100)
    arrays = network.to_arrays() | {"synapses": network.weights, "scale": np.array(1.0)}
    config = network.config.replace({"performance.spike_precision": "float32"})
    arrays["config"] = np.frombuffer(config.model_dump_json().encode(), np.uint8)
    one, _ = run(network, "levels", monkeypatch)
    other, _ = run(Network.from_arrays(arrays), "rows", monkeypatch)
    assert one.neuron.size == pytest.approx(other.neuron.size, rel=0.02)
    early = one.tick < 100, other.tick < 100
    assert one.neuron[early[0]].tolist() == other.neuron[early[1]].tolist()


def test_levels_are_within_half_a_step_of_the_weights():
    config = NeuromorphicConfig().replace({"learning.algorithm": "none"})
    exact, coarse = Network.build(config, 50), Network.build(config.replace(QUANTISED), 50)
    assert coarse.synapses.dtype == np.int8
    assert np.abs(coarse.weights - exact.weights).max() <= 0.5001 * coarse.scale
    assert np.abs(coarse.synapses).max() == 127
    assert (np.sign(coarse.weights) == np.sign(exact.weights)).all()


def test_the_kernel_is_chosen_by_precision_processor_and_density(monkeypatch):
    def kernel(**changes):
        return Plan.of(Network.build(NeuromorphicConfig().replace({**QUANTISED, **changes}), 20)).kernel

    assert kernel(**{"performance.spike_precision": "float32"}) == "rows"
    assert kernel(**{"reservoir.fan_in": 3}) == "levels"
    assert kernel() == ("masks" if expands() else "levels")
    monkeypatch.setattr(native_plan, "expands", lambda: False)
    assert kernel() == "levels"


def test_levels_do_not_learn():
    with pytest.raises(ConfigError, match=r"int8.*learning.algorithm to none"):
        Network.build(NeuromorphicConfig().replace({"performance.spike_precision": "int8"}), 20)
