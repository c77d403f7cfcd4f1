"""Networks whose behaviour is published, on the engine that serves; the peers equal it spike for spike elsewhere."""

import numpy as np
import pytest

from snnlab.config import NeuromorphicConfig
from snnlab.reservoirs import Network, engine
from snnlab.reservoirs.neurons import Lif

PLAIN = {
    "learning.algorithm": "none",
    "learning.homeostasis.rate": 0.0,
    "neuron.adaptation": 0.0,
    "reservoir.inhibition": 0.0,
    "tick": 0.1,
}


def poisson(rng, mean, ticks, neurons):
    """Independent spikes, ``mean`` a tick, at an input of each neuron's own."""
    counts = rng.poisson(mean, (ticks, neurons))
    ptr = np.concatenate([[0], np.cumsum(counts.sum(axis=1))])
    return ptr, np.repeat(np.tile(np.arange(neurons, dtype=np.int32), ticks), counts.ravel())


def simulated(network, given, membrane=0.0, learn=False):
    learned, state = network.fresh_learned(), network.fresh_state(1)
    state["membrane"][0] = membrane
    raster = engine().simulate(network, learned, state, 0, given, learn)
    return raster.tick, raster.neuron, learned


@pytest.fixture(scope="module")
def brunel():
    """N. Brunel 2000, of order 250, J = 1 mV, reset 0; a synapse of 0.1 ms stands for a jump of the membrane."""

    def rate(g, eta, order=250, ticks=4000):
        rng, cells = np.random.default_rng(1), 5 * order
        config = NeuromorphicConfig().replace(
            PLAIN | {"neuron.v_threshold": 20.0, "neuron.tau_synapse": 0.1, "reservoir.delay": 1.5}
        )
        step, matrix = Lif.of(config).propagators, np.zeros((cells, cells))
        for j in range(cells):
            matrix[rng.choice(4 * order, 2 * order // 5, replace=False), j] = 1.0
            matrix[4 * order + rng.choice(order, order // 10, replace=False), j] = -g
        matrix *= (1.0 - step.current) / step.current_to_membrane
        network = Network.from_matrix(config, matrix, inputs=np.eye(cells))
        tick, _, _ = simulated(network, poisson(rng, eta * 0.1, ticks, cells))
        return 1e4 * (tick >= 1000).sum() / cells / (ticks - 1000)

    return rate


@pytest.mark.parametrize(("g", "eta", "hertz"), [(3, 2, 214.0), (5, 2, 38.7), (6, 4, 56.9), (4.5, 0.9, 19.4)])
def test_the_regimes_of_brunel_2000_fire_at_their_rates(brunel, g, eta, hertz):
    assert brunel(g, eta) == pytest.approx(hertz, rel=0.2)


def test_the_current_based_network_of_brette_2007_is_irregular_at_a_few_hertz():
    """CUBA: 5.6 Hz, CV 0.54. One time constant stands for two here: inhibition has the charge, not the shape."""
    rng, cells, ticks = np.random.default_rng(1), 4000, 12_000
    config = NeuromorphicConfig().replace(
        PLAIN | {"neuron.v_threshold": 10.0, "neuron.refractory": 5.0, "reservoir.delay": 0.1}
    )
    mask = rng.random((cells, cells), np.float32) < 0.02
    matrix = mask * np.where(np.arange(cells) < 3200, 1.62, -9.0 * 10 / 5)[:, None]
    network = Network.from_matrix(config, matrix, bias=np.full(cells, 11.0))
    silence = np.zeros(ticks + 1, np.int64), np.empty(0, np.int32)
    tick, neuron, _ = simulated(network, silence, membrane=10.0 * rng.random(cells))
    late = tick >= 2000
    assert 1e4 * late.sum() / cells / (ticks - 2000) == pytest.approx(5.6, rel=0.35)
    order = np.lexsort((tick[late], neuron[late]))
    trains = np.split(tick[late][order], np.flatnonzero(np.diff(neuron[late][order])) + 1)
    intervals = [np.diff(train) for train in trains if train.size > 5]
    assert np.mean([one.std() / one.mean() for one in intervals]) == pytest.approx(0.54, abs=0.12)


@pytest.mark.parametrize("seed", range(3))
def test_the_weights_of_song_miller_abbott_2000_become_bimodal(seed):
    """100 inputs at 20 Hz compete for a neuron that homeostasis holds near 20 Hz, as pairing all to all would."""
    rng, sources, ticks = np.random.default_rng(seed), 100, 200_000
    config = NeuromorphicConfig().replace(
        {
            "learning.homeostasis.rate": 0.02,
            "learning.depression": 1.0,
            "neuron.adaptation": 0.0,
            "reservoir.inhibition": 0.0,
        }
    )
    matrix = np.zeros((sources + 1, sources + 1))
    matrix[:sources, sources] = 0.15
    network = Network.from_matrix(config, matrix, inputs=np.eye(sources, sources + 1) * 50.0)
    fired = rng.random((ticks, sources), np.float32) < 0.02
    given = np.concatenate([[0], np.cumsum(fired.sum(axis=1))]), np.nonzero(fired)[1].astype(np.int32)
    _, _, learned = simulated(network, given, learn=True)
    weak, *between, strong = np.histogram(learned["weights"][:sources, 0] / network.w_max, 5, (0, 1))[0]
    assert weak > 40
    assert strong >= 8
    assert max(between) < min(weak, strong) + 4
    assert sum(between) < 25
