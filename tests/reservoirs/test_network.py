import pickle
import time

import numpy as np
import pytest
import structlog

from snnlab.config import NeuromorphicConfig
from snnlab.errors import ConfigError, ModelFormatError
from snnlab.reservoirs import Network, engine
from snnlab.reservoirs import network as network_module

SMALL = NeuromorphicConfig().replace({"reservoir.neurons": 64, "input.neurons": 30})


def same(one, other):
    a, b = one.to_arrays(), other.to_arrays()
    return sorted(a) == sorted(b) and all(np.array_equal(a[name], b[name]) for name in a)


def test_a_seed_is_a_network():
    assert same(Network.build(SMALL), Network.build(SMALL))
    assert not same(Network.build(SMALL, seed=1), Network.build(SMALL, seed=2))
    assert Network.build(SMALL).n_inputs == 30


def test_it_travels_as_arrays_and_as_a_pickle(tmp_path):
    network = Network.build(SMALL)
    np.savez(tmp_path / "network.npz", **network.to_arrays())
    with np.load(tmp_path / "network.npz", allow_pickle=False) as arrays:
        back = Network.from_arrays(dict(arrays))
    assert same(network, back)
    assert back.config == network.config
    assert repr(back) == "Network(30 inputs, 64 neurons, 384 synapses, float32)"
    assert np.array_equal(back.incoming.slot, network.incoming.slot)
    assert same(pickle.loads(pickle.dumps(network)), network)  # noqa: S301 - our own bytes


def test_read_only_arrays_are_taken_as_copies():
    network = Network.build(SMALL.replace({"learning.algorithm": "none"}))
    arrays = {
        name: np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape)
        for name, array in network.to_arrays().items()
    }
    back = Network.from_arrays(arrays)
    nothing = np.zeros((0, 1), np.int32)
    engine().drive(
        back, back.fresh_learned(), back.fresh_state(1), nothing[:, 0], nothing, nothing, np.zeros(0, np.int64), 1
    )
    assert same(back, network)


@pytest.mark.parametrize("harm", ["missing", "shape", "range", "config"])
def test_damaged_arrays_are_refused(harm):
    arrays = Network.build(SMALL).to_arrays()
    if harm == "missing":
        del arrays["bias"]
    elif harm == "shape":
        arrays["synapses"] = arrays["synapses"][:, :-1]
    elif harm == "range":
        arrays["targets"] = arrays["targets"] + 60
    else:
        arrays["config"] = arrays["config"][:-5]
    with pytest.raises(ModelFormatError, match="not a network"):
        Network.from_arrays(arrays)


def test_incoming_lists_every_plastic_synapse_once():
    network = Network.build(SMALL)
    incoming = network.incoming
    assert incoming.slot.size == int(network.excitatory.sum()) * network.targets.shape[1]
    for j in range(network.n_neurons):
        own = slice(incoming.ptr[j], incoming.ptr[j + 1])
        assert (network.targets[incoming.source[own], incoming.slot[own]] == j).all()
        assert (np.diff(incoming.source[own].astype(int)) > 0).all()


def test_fan_in_wins_over_connectivity():
    network = Network.build(SMALL.replace({"reservoir.fan_in": 11}))
    assert network.targets.shape == (64, 11)


def test_an_entity_takes_four_kilobytes_at_most_and_a_plastic_synapse_twelve_bytes():
    network = Network.build(NeuromorphicConfig(), 100)
    assert sum(array[0].nbytes for array in network.fresh_state(2).values()) <= 4096
    synapses = network.weights.size
    incoming = network.incoming
    held = network.fresh_learned()["weights"].nbytes + network.targets.nbytes
    assert (held + incoming.source.nbytes + incoming.slot.nbytes) / synapses <= 9.5


def test_reset_puts_rows_to_rest():
    network = Network.build(SMALL)
    state = network.fresh_state(3)
    address = np.arange(30, dtype=np.int32)[None].repeat(20, axis=0)
    rows = np.arange(20, dtype=np.int32) % 3
    engine().drive(network, network.fresh_learned(), state, rows, address, address * 0, np.zeros(20, np.int64), 2)
    assert (state["age"] < 20).any(axis=1).all()
    network.reset(state, np.array([0, 2]))
    fresh = network.fresh_state(3)
    assert all(np.array_equal(state[name][[0, 2]], fresh[name][[0, 2]]) for name in state)
    assert (state["age"][1] < 20).any()


def test_cores_cap_the_placement_and_change_no_result():
    capped = Network.build(SMALL.replace({"performance.max_neurons_per_core": 20}))
    assert max(len(core) for core in capped.cores()) <= 20
    assert [j for core in capped.cores() for j in core] == list(range(64))
    assert np.array_equal(capped.weights, Network.build(SMALL).weights)


def test_gpu_acceleration_gives_one_notice():
    network_module._notice_once.cache_clear()
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            Network.build(SMALL.replace({"performance.gpu_acceleration": True}))
    assert len(logs) == 1
    assert "gpu_acceleration" in logs[0]["event"]


def test_what_does_not_fit_is_refused():
    network = Network.build(SMALL)
    with pytest.raises(ConfigError, match="do not fit"):
        Network(
            SMALL, network.targets, network.weights[:, 1:], network.input_targets, network.input_weights, network.bias
        )


@pytest.mark.parametrize("name", ["targets", "input_targets"])
@pytest.mark.parametrize("value", [64, -1])
def test_a_target_that_is_no_neuron_is_refused_by_its_number(name, value):
    network = Network.build(SMALL)
    arrays = {field: getattr(network, field).astype(np.int64) for field in ("targets", "input_targets")}
    arrays[name][3, 2] = value
    with pytest.raises(ConfigError, match=rf"^{name} reach .*{value}.*neurons are 0 to 63: number each target"):
        Network(SMALL, arrays["targets"], network.weights, arrays["input_targets"], network.input_weights, network.bias)


@pytest.mark.slow
def test_the_specified_ten_thousand_neurons_are_built_in_seconds():
    started = time.perf_counter()
    network = Network.build(NeuromorphicConfig().replace({"reservoir.neurons": 10_000}))
    assert network.targets.shape == (10_000, 1000)
    assert network.targets.dtype == np.uint16
    assert time.perf_counter() - started < 60


def test_a_network_that_learns_draws_its_first_weights_anew_and_holds_none():
    network = Network.build(SMALL)
    assert not isinstance(network.held, np.ndarray)
    assert np.array_equal(network.weights, Network.build(SMALL.replace({"learning.algorithm": "none"})).held)
    learned = network.fresh_learned()
    learned["weights"][:] = 0
    assert np.array_equal(network.fresh_learned()["weights"], network.weights)
    assert same(pickle.loads(pickle.dumps(network)), network)  # noqa: S301 - our own bytes


@pytest.mark.parametrize("name", ["synapses", "input_weights", "bias"])
def test_what_is_no_number_is_refused_by_its_place(name):
    network = Network.build(SMALL)
    array = getattr(network, name).copy()
    array.flat[5] = np.nan
    arrays = network.to_arrays() | {name: array}
    with pytest.raises(ModelFormatError, match=rf"{name} hold nan at \[\d"):
        Network.from_arrays(arrays)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tick": 0.3}, r"neuron.refractory of 2 ms is 6.66667 ticks.*take 2.1 or 1.8 ms, or another tick"),
        ({"reservoir.delay": 1.5}, "reservoir.delay of 1.5 ms"),
        ({"reservoir.delay": 9.0}, "9.0 ms is 9 ticks.*change reservoir.delay"),
    ],
)
def test_times_that_are_no_whole_ticks_or_too_long_are_refused(changes, words):
    with pytest.raises(ConfigError, match=words):
        Network.build(SMALL.replace(changes))


def test_levels_travel_as_arrays():
    network = Network.build(SMALL.replace({"performance.spike_precision": "int8", "learning.algorithm": "none"}))
    assert same(Network.from_arrays(network.to_arrays()), network)
    assert np.array_equal(Network.from_arrays(network.to_arrays()).weights, network.weights)
    assert network.synapses.nbytes + network.targets.nbytes == 3 * network.synapses.size
