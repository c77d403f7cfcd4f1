from itertools import pairwise

import numpy as np
import pytest

from snnlab.config import NeuromorphicConfig
from snnlab.reservoirs import Network, engine
from snnlab.reservoirs.engines.native import engine as native
from snnlab.reservoirs.engines.native import plan as native_plan
from snnlab.reservoirs.plasticity import Stdp

FORCED = {
    "learning.homeostasis.rate": 0.0,
    "neuron.adaptation": 0.0,
    "neuron.refractory": 0.0,
    "reservoir.inhibition": 0.0,
}


def forced(config, matrix, raster):
    """Drive every neuron by an input of its own, far stronger than what synapses carry; returns the weights."""
    n = matrix.shape[0]
    network = Network.from_matrix(config, matrix, inputs=np.eye(n) * 100.0)
    learned = network.fresh_learned()
    ptr = np.concatenate([[0], np.cumsum(raster.sum(axis=1))])
    found = engine().simulate(network, learned, network.fresh_state(1), 0, (ptr, np.nonzero(raster)[1]), learn=True)
    assert found.neuron.tolist() == np.nonzero(raster)[1].tolist()
    weights = np.zeros((n, n), learned["weights"].dtype)
    np.put_along_axis(weights, network.targets.astype(np.int64), learned["weights"], axis=1)
    return weights, network


@pytest.fixture
def stdp_config():
    return NeuromorphicConfig().replace(FORCED | {"performance.spike_precision": "float64"})


@pytest.mark.parametrize("apart", [1, 5, 30])
def test_pre_before_post_potentiates_and_the_reverse_depresses(stdp_config, apart):
    matrix = np.array([[0.0, 1e-3], [0.0, 0.0]])
    raster = np.zeros((40, 2), bool)
    raster[2, 0] = raster[2 + apart, 1] = True
    stronger, network = forced(stdp_config, matrix, raster)
    assert network.w_max == pytest.approx(2e-3)
    assert stronger[0, 1] - 1e-3 == pytest.approx(0.01 * 2e-3 * np.exp(-apart / 20.0))
    weaker, _ = forced(stdp_config, matrix, raster[:, ::-1])
    assert weaker[0, 1] - 1e-3 == pytest.approx(-1.05 * 0.01 * 2e-3 * np.exp(-apart / 20.0))


def test_spikes_of_one_tick_do_not_pair(stdp_config):
    raster = np.zeros((3, 2), bool)
    raster[1] = True
    weights, _ = forced(stdp_config, np.array([[0.0, 1e-3], [0.0, 0.0]]), raster)
    assert weights[0, 1] == 1e-3


@pytest.fixture(params=["pairwise", "deferred"])
def form(request, monkeypatch):
    """STDP in the form of short runs and small networks, or in that of long runs of large ones."""
    if request.param == "deferred":
        monkeypatch.setattr(native_plan, "LARGE", 0)
    calls = []
    deferred = native.simulate_deferred
    monkeypatch.setattr(native, "simulate_deferred", lambda *given: calls.append(1) or deferred(*given))
    yield request.param
    assert bool(calls) == (request.param == "deferred")


def fixed_degree(rng, n, degree, silent=()):
    """A matrix of equally many synapses a row, so that rows hold no fillers."""
    matrix = np.zeros((n, n))
    for i in range(n):
        others = np.delete(np.arange(n), i)
        matrix[i, rng.choice(others, degree, replace=False)] = rng.uniform(0.5, 1.5, degree) * 1e-4
    return matrix


@pytest.mark.parametrize(("precision", "error"), [("float64", 1e-7), ("float32", 5e-6)])
@pytest.mark.parametrize("taus", [(20.0, 30.0), (7.0, 50.0), (60.0, 20.0), (60.0, 4.0)])
@pytest.mark.parametrize(("n", "degree"), [(60, 12), (100, 77)])  # rows of an eight and a rest, and of a piece too
def test_long_runs_equal_the_float64_reference_in_either_form(stdp_weights, form, precision, error, taus, n, degree):
    rng = np.random.default_rng(7)
    matrix = fixed_degree(rng, n, degree)
    matrix[7] *= -1.0
    rates = rng.gamma(1.0, 0.02, n)  # some hardly ever fire, and wait for longer than all epochs
    raster = rng.random((4000, n)) < rates
    changes = {"performance.spike_precision": precision, "learning.tau_pre": taus[0], "learning.tau_post": taus[1]}
    found, network = forced(NeuromorphicConfig().replace(FORCED | changes), matrix, raster)
    a_plus = 0.01 * network.w_max
    a_minus = 1.05 * a_plus * taus[0] / taus[1]
    reference = stdp_weights(np.where(matrix > 0, matrix, 0.0), raster, a_plus, a_minus, *taus, network.w_max)
    reference[7] = matrix[7]
    assert np.abs(found - reference).max() <= error * network.w_max


def test_windows_too_unlike_to_be_deferred_are_paired_one_by_one(stdp_weights, monkeypatch):
    monkeypatch.setattr(native_plan, "LARGE", 0)
    monkeypatch.setattr(native, "simulate_deferred", None)
    rng = np.random.default_rng(7)
    matrix, raster = fixed_degree(rng, 60, 12), rng.random((1000, 60)) < 0.03
    found, network = forced(NeuromorphicConfig().replace(FORCED | {"learning.tau_post": 0.5}), matrix, raster)
    a_plus = 0.01 * network.w_max
    reference = stdp_weights(matrix, raster, a_plus, 1.05 * a_plus * 40.0, 20.0, 0.5, network.w_max)
    assert np.abs(found - reference).max() <= 5e-6 * network.w_max


def test_a_deferred_run_fires_and_learns_as_the_pairwise_one(monkeypatch):
    config = NeuromorphicConfig().replace({"performance.spike_precision": "float64", "reservoir.neurons": 150})
    network = Network.build(config, 60)
    address = np.random.default_rng(0).integers(0, 60, 300 * 8).astype(np.int32)
    ptr = np.arange(301) * 8

    def pieces(cuts):
        learned, state = network.fresh_learned(), network.fresh_state(2)
        found = []
        for a, b in pairwise([0, *cuts, 300]):
            raster = engine().simulate(
                network, learned, state, 1, (ptr[a : b + 1] - ptr[a], address[ptr[a] : ptr[b]]), learn=True
            )
            found += list(zip((raster.tick + a).tolist(), raster.neuron.tolist(), strict=True))
        return found, learned, state

    spikes, learned, state = pieces([])
    monkeypatch.setattr(native_plan, "LARGE", 0)
    for cuts in ([], [120], [100, 130, 220]):
        own_spikes, own_learned, own_state = pieces(cuts)
        assert own_spikes == spikes
        for name in learned:
            np.testing.assert_allclose(own_learned[name], learned[name], rtol=1e-9, atol=1e-12, err_msg=name)
        for name in state:
            np.testing.assert_allclose(own_state[name][1], state[name][1], rtol=1e-9, atol=1e-12, err_msg=name)
    assert np.abs(learned["weights"] - network.weights).max() > 0.01 * network.w_max


@pytest.mark.parametrize(("precision", "error"), [("float64", 1e-12), ("float32", 5e-6)])
def test_stdp_equals_the_float64_reference(stdp_weights, precision, error):
    rng = np.random.default_rng(5)
    matrix = np.where(rng.random((80, 80)) < 0.2, rng.uniform(0.5, 1.5, (80, 80)), 0.0) * 1e-4
    np.fill_diagonal(matrix, 0.0)
    matrix[7] *= -1.0
    raster = rng.random((1500, 80)) < rng.gamma(1.0, 0.03, 80)
    changes = {"performance.spike_precision": precision, "learning.tau_post": 30.0}
    found, network = forced(NeuromorphicConfig().replace(FORCED | changes), matrix, raster)
    a_plus = 0.01 * network.w_max
    a_minus = 1.05 * a_plus * 20.0 / 30.0
    reference = stdp_weights(np.where(matrix > 0, matrix, 0.0), raster, a_plus, a_minus, 20.0, 30.0, network.w_max)
    reference[7] = matrix[7]
    assert np.abs(found - reference).max() <= error * network.w_max
    plastic = reference[matrix > 0]
    assert ((plastic == 0).any(), (plastic == network.w_max).any()) == (True, True)


def test_nothing_is_learnt_when_learning_is_off():
    for algorithm, learn in (("STDP", False), ("none", True)):
        changes = {"learning.algorithm": algorithm, "reservoir.neurons": 64}
        network = Network.build(NeuromorphicConfig().replace(FORCED | changes), 20)
        learned = network.fresh_learned()
        before = {name: array.copy() for name, array in learned.items()}
        address = np.random.default_rng(0).integers(0, 20, (300, 8)).astype(np.int32)
        rows, gap = np.zeros(300, np.int32), np.zeros(300, np.int64)
        drive = engine().drive
        activity = drive(network, learned, network.fresh_state(1), rows, address, address * 0, gap, 2, learn)
        assert activity.total_spikes > 100
        assert all(np.array_equal(learned[name], before[name]) for name in before)


def test_windows_end_in_zero():
    stdp = Stdp.of(NeuromorphicConfig().replace({"tick": 0.1}), 1.0)
    assert stdp.potentiation[-1] == stdp.depression[-1] == 0.0
    assert stdp.potentiation[200] == pytest.approx(0.01 * np.exp(-1.0))
