import numpy as np
import pytest

from snnlab.config import NeuromorphicConfig
from snnlab.reservoirs import Network
from snnlab.reservoirs.exchange import CHIPS, place


def network_of(neurons, inputs=16, **layer):
    changes = {"reservoir.neurons": neurons, **{f"reservoir.{name}": value for name, value in layer.items()}}
    return Network.build(NeuromorphicConfig().replace(changes), inputs)


def test_cores_follow_neurons_where_synapses_are_few():
    network = network_of(20_000, fan_in=5)
    assert place(network, CHIPS["loihi2"]).cores == 3  # of 8,192
    assert place(network, CHIPS["spinnaker2"]).cores == 79  # of 256


def test_cores_follow_synapses_where_they_are_many():
    network = network_of(1_000, connectivity=0.8)
    synapses = network.targets.size + network.input_targets.size
    assert place(network, CHIPS["loihi2"]).cores == -(-synapses // (192 * 1024))
    assert place(network, CHIPS["spinnaker2"]).cores == -(-synapses // 32_768)


def test_synapses_that_learning_brought_to_nothing_take_no_room():
    network = network_of(1_000, connectivity=0.8)
    learned = network.fresh_learned()
    learned["weights"][:, ::2] = 0.0
    assert place(network, CHIPS["loihi2"], learned).cores < place(network, CHIPS["loihi2"]).cores


def test_a_small_network_fits_xylo_and_a_large_one_is_refused_by_name():
    small = place(network_of(100, inputs=4), CHIPS["xylo"])
    assert small.fits
    assert "at least 1 of 1 cores" in str(small)
    large = place(network_of(2_000, inputs=20), CHIPS["xylo"])
    assert not large.fits
    assert str(large).startswith("Xylo Audio 3: does not fit: 2000 neurons, at most 992 a chip; ")
    assert "20 inputs, at most 16" in str(large)


def test_a_network_past_one_chip_says_how_many(recwarn):
    del recwarn
    network = network_of(40_000, fan_in=5)
    placed = place(network, CHIPS["spinnaker2"])
    assert (placed.cores, placed.chips, placed.fits) == (157, 2, False)
    assert "does not fit: 157 cores" in str(placed)


@pytest.mark.parametrize("name", CHIPS)
def test_fewer_bits_lose_more(name):
    network = network_of(200)
    chip = CHIPS[name]
    level = np.abs(network.weights).max() / (2 ** (chip.weight_bits - 1) - 1)
    error = place(network, chip).weight_error
    assert 0 < error < level / np.sqrt(np.mean(network.weights**2))


def test_every_limit_has_a_source():
    assert all(len(chip.source) > 40 and chip.assumed for chip in CHIPS.values())
