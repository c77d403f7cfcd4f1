import csv
from math import log
from pathlib import Path

import numpy as np
import pytest

from snnlab.config import NeuromorphicConfig
from snnlab.reservoirs import Network, engine

TABLE = Path(__file__).parents[1] / "golden" / "reservoirs" / "four_neurons.csv"


@pytest.fixture
def four_neurons():
    halving = 1.0 / log(2.0)
    config = NeuromorphicConfig().replace(
        {
            "performance.spike_precision": "float64",
            "learning.algorithm": "none",
            "neuron.tau_membrane": halving,
            "neuron.tau_synapse": halving / 2,
            "neuron.tau_adaptation": halving,
            "neuron.adaptation": 0.5,
            "neuron.refractory": 1.0,
            "reservoir.inhibition": 0.0,
            "reservoir.input_synapse": "exponential",
        }
    )
    matrix = np.zeros((4, 4))
    matrix[[0, 1, 2, 0, 1], [1, 2, 0, 3, 3]] = [8, 5, 3, -4, 6]
    return Network.from_matrix(config, matrix, inputs=np.array([[8.0, 0, 0, 0]]))


def test_every_number_of_the_golden_table(four_neurons):
    learned, state = four_neurons.fresh_learned(), four_neurons.fresh_state(1)
    for line in csv.DictReader(TABLE.open()):
        driven = int(int(line["tick"]) in (0, 5, 9))
        raster_in = (np.array([0, driven], np.int64), np.zeros(driven, np.int32))
        raster = engine().simulate(four_neurons, learned, state, 0, raster_in)
        assert raster.neuron.tolist() == [int(word) for word in line["spikes"].split()], line["tick"]
        for name, letter in (("membrane", "v"), ("current", "i"), ("adaptation", "a")):
            expected = [float(line[f"{letter}{j}"]) for j in range(4)]
            np.testing.assert_allclose(state[name][0], expected, rtol=0, atol=1e-12, err_msg=f"{name} {line['tick']}")


def test_float32_fires_as_the_golden_table(four_neurons):
    single = Network.from_matrix(
        four_neurons.config.replace({"performance.spike_precision": "float32"}),
        np.array([[0, 8, 0, -4], [0, 0, 5, 6], [3, 0, 0, 0], [0, 0, 0, 0]], float),
        inputs=np.array([[8.0, 0, 0, 0]]),
    )
    ptr = np.cumsum([0] + [tick in (0, 5, 9) for tick in range(14)])
    raster = engine().simulate(single, single.fresh_learned(), single.fresh_state(1), 0, (ptr, np.zeros(3, np.int32)))
    expected = [
        (int(line["tick"]), int(word)) for line in csv.DictReader(TABLE.open()) for word in line["spikes"].split()
    ]
    assert list(zip(raster.tick.tolist(), raster.neuron.tolist(), strict=True)) == expected
