"""Volleys: input neurons that fire as one bring what they bring one by one."""

import numpy as np
import pytest

from snnlab.config import NeuromorphicConfig
from snnlab.errors import ConfigError
from snnlab.reservoirs import Network
from snnlab.reservoirs.engines.native.engine import NativeAttached

VOLLEYS = np.array([[0, 1], [0, 3], [3, 5], [8, 2]])
INPUTS = 10


@pytest.fixture
def attached():
    config = NeuromorphicConfig().replace(
        {"reservoir.neurons": 100, "performance.spike_precision": "float64", "seed": 3}
    )
    network = Network.build(config, n_inputs=INPUTS)

    def of(volleys):
        learned, state = network.fresh_learned(), network.fresh_state(3)
        return NativeAttached(network, learned, state, volleys), learned, state

    return of


def events(addresses):
    rows = np.arange(len(addresses), dtype=np.int32) % 3
    return rows, addresses, np.zeros_like(addresses), np.zeros(len(addresses), np.int64), 1


def one_by_one(addresses):
    told = np.full((len(addresses), 12), -1, np.int32)
    for row, own in zip(told, addresses, strict=True):
        fired = [neuron for address in own if address >= 0 for neuron in members(address)]
        row[: len(fired)] = fired
    return told


def members(address):
    first, count = (address, 1) if address < INPUTS else VOLLEYS[address - INPUTS]
    return range(first, first + count)


def test_a_volley_brings_what_its_neurons_bring(attached):
    rng = np.random.default_rng(0)
    joined = rng.integers(-1, INPUTS + len(VOLLEYS), (500, 2)).astype(np.int32)
    (engine, learned, state), (plain, own_learned, own_state) = attached(VOLLEYS), attached(VOLLEYS[:0])
    told, expected = engine.drive(*events(joined)), plain.drive(*events(one_by_one(joined)))
    assert told.neuron.size > 100
    for name in ("ptr", "neuron", "counts", "total_spikes", "synaptic_events", "neuron_updates"):
        np.testing.assert_array_equal(getattr(told, name), getattr(expected, name))
    np.testing.assert_allclose(learned["weights"], own_learned["weights"], rtol=1e-12)
    np.testing.assert_allclose(state["membrane"], own_state["membrane"], rtol=1e-9, atol=1e-12)


def test_a_volley_that_there_is_not_is_refused(attached):
    engine, _, state = attached(VOLLEYS)
    before = {name: array.copy() for name, array in state.items()}
    wrong = np.array([[0], [INPUTS + len(VOLLEYS)]], np.int32)
    with pytest.raises(ConfigError, match=rf"spikes \[{INPUTS + len(VOLLEYS)}\].*to {INPUTS + len(VOLLEYS) - 1}"):
        engine.drive(*events(wrong))
    assert all(np.array_equal(before[name], array) for name, array in state.items())
