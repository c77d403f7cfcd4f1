import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnlab.config import NeuromorphicConfig
from snnlab.errors import ConfigError
from snnlab.reservoirs import Network, engine
from snnlab.reservoirs.neurons import charge
from snnlab.reservoirs.topology import (
    _least,
    _thrown,
    address_type,
    draw_rows,
    recurrent_weights,
    signs,
    spectral_radius,
)


def dense(targets, weights):
    matrix = np.zeros((targets.shape[0],) * 2)
    np.put_along_axis(matrix, targets.astype(np.int64), weights.astype(float), axis=1)
    return matrix


@settings(derandomize=True, deadline=None, max_examples=50)
@given(st.integers(2, 40), st.data(), st.booleans())
def test_rows_are_sorted_distinct_and_reach_all_but_themselves(neurons, data, recurrent):
    degree = data.draw(st.integers(1, neurons - 1))
    rows = draw_rows(np.random.default_rng(0), neurons, neurons, degree, recurrent=recurrent).astype(int)
    assert (np.diff(rows, axis=1) > 0).all()
    assert rows.min() >= 0
    assert rows.max() < neurons
    if recurrent:
        assert not (rows == np.arange(neurons)[:, None]).any()


def test_targets_are_uniform():
    rows = draw_rows(np.random.default_rng(0), 2000, 50, 10, recurrent=False)
    counts = np.bincount(rows.ravel(), minlength=50)
    assert np.abs(counts - 400).max() < 5 * np.sqrt(400 * 0.8)


def test_rows_of_a_large_network_are_drawn_without_a_key_for_each_pair():
    rows = draw_rows(np.random.default_rng(0), 70_000, 70_000, 20, recurrent=True)
    assert (np.diff(rows, axis=1) > 0).all()
    assert (rows.min(), rows.max()) == (0, 69_999)
    assert not (rows == np.arange(70_000)[:, None]).any()
    counts = np.bincount(rows.ravel(), minlength=70_000)
    assert counts.var() == pytest.approx(20, rel=0.05)  # Poisson's, nearly


def test_what_is_thrown_again_makes_no_set_of_targets_likelier_than_another():
    rows = _thrown(np.random.default_rng(1), 35_000, 7, 3)
    sets, counts = np.unique(rows, axis=0, return_counts=True)
    assert len(sets) == 35
    assert np.abs(counts - 1000).max() < 4 * np.sqrt(1000)


def test_addresses_are_as_narrow_as_they_may_be():
    assert address_type(2**16) is np.uint16
    assert address_type(2**16 + 1) is np.int32


@pytest.mark.parametrize("degree", [0, 5])
def test_a_degree_that_is_not_there_is_refused(degree):
    with pytest.raises(ConfigError, match="between 1 and 4"):
        draw_rows(np.random.default_rng(0), 5, 5, degree, recurrent=True)


@pytest.mark.parametrize(("neurons", "error"), [(60, 1e-6), (256, 0.02), (600, 0.02)])
def test_the_spectral_radius_is_that_of_the_dense_matrix(neurons, error):
    rng = np.random.default_rng(1)
    targets = draw_rows(rng, neurons, neurons, neurons // 10, recurrent=True)
    weights = rng.standard_normal(targets.shape)
    exact = np.abs(np.linalg.eigvals(dense(targets, weights))).max()
    assert spectral_radius(targets, weights) == pytest.approx(exact, rel=error)


def test_weights_have_the_radius_that_is_asked_for_and_keep_dales_principle():
    rng = np.random.default_rng(2)
    targets, sign = draw_rows(rng, 300, 300, 30, recurrent=True), signs(rng, 300, 0.8)
    weights = recurrent_weights(rng, targets, sign, 0.7, gain=0.25).array()
    assert np.abs(np.linalg.eigvals(0.25 * dense(targets, weights))).max() == pytest.approx(0.7, rel=0.02)
    assert (np.sign(weights) == sign[:, None]).all()
    assert (sign > 0).sum() == 240
    assert abs(weights.mean()) < 0.05 * np.abs(weights).mean()


def echo(radius, ticks=150):
    """Extra spikes, tick by tick, that a volley of input causes in a network at rest below threshold."""
    total = np.zeros(ticks)
    for seed in range(6):
        config = NeuromorphicConfig().replace(
            {"reservoir.spectral_radius": radius, "reservoir.inhibition": 0.0, "learning.algorithm": "none"}
            | {"learning.homeostasis.rate": 0.0, "reservoir.neurons": 400, "neuron.adaptation": 0.0}
        )
        network = Network.build(config, n_inputs=40, seed=seed)
        network.bias[:] = 0.9
        state = network.fresh_state(1)
        state["membrane"][0] = np.random.default_rng(seed).uniform(0.4, 0.95, 400)
        ptr = np.full(ticks + 1, 40)
        ptr[0] = 0
        raster = engine().simulate(network, network.fresh_learned(), state, 0, (ptr, np.arange(40)))
        total += np.bincount(raster.tick, minlength=ticks)
    return total


def test_a_smaller_spectral_radius_forgets_sooner():
    spikes = {radius: echo(radius) for radius in (0.0, 0.5, 0.9, 3.0)}
    assert not spikes[0.0][5:].any()
    later = [spikes[radius][5:].sum() for radius in (0.0, 0.5, 0.9, 3.0)]
    assert later == sorted(later)
    assert later[3] > 2 * later[2] > 0
    assert not spikes[0.5][100:].any()
    assert spikes[3.0][100:].any()


def test_the_effective_weight_is_the_charge_of_a_perfect_integrator():
    config = NeuromorphicConfig().replace({"neuron.tau_membrane": 1e6, "tick": 0.5})
    weight = 1.0 / charge(config)
    step = config.tick
    current, membrane = weight, 0.0
    decay = np.exp(-step / 5.0)
    for _ in range(400):
        membrane += step / 1e6 * current * (1 - decay) / (step / 5.0)
        current *= decay
    assert membrane == pytest.approx(1.0, rel=1e-3)


def test_equal_keys_are_told_apart_by_their_place_and_not_by_the_processor():
    keys = np.random.default_rng(0).integers(0, 6, (200, 30)).astype(np.float32)  # full of ties
    for degree in (1, 7, 29, 30):
        wanted = np.sort(np.argsort(keys, axis=1, kind="stable")[:, :degree], axis=1)
        np.testing.assert_array_equal(_least(keys, degree), wanted)
