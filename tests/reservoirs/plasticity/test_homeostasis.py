import numpy as np
import pytest

from snnlab.config import NeuromorphicConfig
from snnlab.reservoirs import Network, engine


def late_rate(changes, spikes, *, ticks=1, gap=0, entities=1, events=12_000):
    network = Network.build(NeuromorphicConfig().replace(changes), n_inputs=256)
    learned, state = network.fresh_learned(), network.fresh_state(entities)
    rng = np.random.default_rng(3)
    address = rng.integers(0, 256, (events, spikes)).astype(np.int32)
    rows, gaps = rng.integers(0, entities, events).astype(np.int32), np.full(events, gap, np.int64)
    activity = engine().drive(network, learned, state, rows, address, address * 0, gaps, ticks)
    late = activity.counts[activity.ptr[events * 3 // 4] :]
    return late.sum() / (events / 4 * ticks * network.n_neurons), learned


@pytest.mark.parametrize("strength", [0.01, 0.25, 10.0])
@pytest.mark.parametrize("spikes", [2, 16, 64])
def test_firing_is_held_near_two_per_cent_over_a_wide_range_of_input(strength, spikes):
    rate, learned = late_rate({"reservoir.input_strength": strength}, spikes)
    assert 0.014 <= rate <= 0.026
    assert abs(np.median(learned["threshold"])) < 0.5


@pytest.mark.parametrize(
    ("changes", "more"),
    [
        ({"learning.algorithm": "none"}, {"ticks": 4}),
        ({}, {"gap": 200}),
        ({}, {"entities": 500}),
        ({"reservoir.input_synapse": "exponential"}, {"ticks": 2}),
        ({"reservoir.spectral_radius": 1.5}, {}),
        ({"reservoir.inhibition": 5.0}, {}),
    ],
)
def test_firing_is_held_whatever_the_clock_the_entities_and_the_network(changes, more):
    rate, _ = late_rate(changes, 16, **more)
    assert 0.012 <= rate <= 0.028


def test_the_gain_settles_where_input_reaches_few_neurons():
    network = Network.build(NeuromorphicConfig().replace({"reservoir.neurons": 2_000}), n_inputs=256)
    learned, state, rng = network.fresh_learned(), network.fresh_state(1), np.random.default_rng(3)
    gains, rates = [], []
    for _ in range(3):
        address, none = rng.integers(0, 8, (4_000, 4)).astype(np.int32), np.zeros(4_000, np.int32)
        activity = engine().drive(network, learned, state, none, address, address * 0, none.astype(np.int64), 1)
        gains.append(learned["homeostat"][0])
        rates.append(activity.total_spikes / (4_000 * network.n_neurons))
    assert np.mean(learned["threshold"] == learned["threshold"].min()) > 0.8
    assert gains[2] == pytest.approx(gains[1], rel=0.3)
    assert 0.014 <= min(rates[1:]) <= max(rates[1:]) <= 0.026


def test_another_target_is_reached():
    rate, _ = late_rate({"learning.homeostasis.target_rate": 0.08}, 16)
    assert rate == pytest.approx(0.08, rel=0.25)


def test_without_homeostasis_the_rate_follows_the_input():
    off = {"learning.homeostasis.rate": 0.0, "learning.algorithm": "none"}
    assert late_rate(off | {"reservoir.input_strength": 0.01}, 16)[0] < 0.001
    assert late_rate(off | {"reservoir.input_strength": 10.0}, 16)[0] > 0.1


def test_silence_teaches_nothing():
    network = Network.build(NeuromorphicConfig(), n_inputs=8)
    learned = network.fresh_learned()
    nothing = np.full((500, 1), -1, np.int32)
    rows, gap = np.zeros(500, np.int32), np.zeros(500, np.int64)
    engine().drive(network, learned, network.fresh_state(1), rows, nothing, nothing, gap, 2)
    assert learned["homeostat"][0] == 1.0
    assert not learned["threshold"].any()
