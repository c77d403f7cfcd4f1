"""Triplet STDP, Oja, BCM and reward-modulated STDP against plain float64 forms of their equations."""

import numpy as np
import pytest

from snnlab.config import NeuromorphicConfig
from snnlab.errors import ConfigError
from snnlab.reservoirs import Network, engine

FORCED = {
    "learning.homeostasis.rate": 0.0,
    "neuron.adaptation": 0.0,
    "neuron.refractory": 0.0,
    "reservoir.inhibition": 0.0,
}
W = 1e-3
PAIR = np.array([[0.0, W], [0.0, 0.0]])
RULES = ("triplet", "Oja", "BCM", "R-STDP")


def build(rule, matrix, precision="float64", **changes):
    changed = FORCED | {"performance.spike_precision": precision, "learning.algorithm": rule} | changes
    return Network.from_matrix(NeuromorphicConfig().replace(changed), matrix, inputs=np.eye(len(matrix)) * 100.0)


def force(network, learned, state, raster):
    """Every neuron has an input of its own, far stronger than what synapses carry."""
    ptr = np.concatenate([[0], np.cumsum(raster.sum(axis=1))])
    found = engine().simulate(network, learned, state, 0, (ptr, np.nonzero(raster)[1]), learn=True)
    assert found.neuron.tolist() == np.nonzero(raster)[1].tolist()


def dense(network, rows):
    weights = np.zeros((network.n_neurons, network.n_neurons))
    np.put_along_axis(weights, network.targets.astype(np.int64), rows.astype(float), axis=1)
    return weights


def after(rule, matrix, raster, **changes):
    network = build(rule, matrix, **changes)
    learned = network.fresh_learned()
    force(network, learned, network.fresh_state(1), raster)
    return dense(network, learned["weights"]), learned, network


def spikes(ticks, *when):
    """A raster of two neurons: when the source fires, and when the target does."""
    raster = np.zeros((ticks, 2), bool)
    for neuron, at in enumerate(when):
        raster[list(at), neuron] = True
    return raster


def decay(ticks, tau=20.0):
    return np.exp(-ticks / tau)


class TestByHand:
    def test_a_triplet_needs_an_earlier_spike_of_the_target(self):
        once, _, network = after("triplet", PAIR, spikes(20, [2], [5]))
        assert once[0, 1] == W  # pre, post: nothing, for all potentiation is carried by the slow trace
        twice, _, _ = after("triplet", PAIR, spikes(40, [10], [3, 15]))
        rule = network.rule
        up = rule.triplet * decay(15 - 10) * decay(15 - 3, 125.0)
        down = rule.minus * decay(10 - 3)
        assert twice[0, 1] == pytest.approx(W - down + up, rel=1e-12)

    def test_a_pair_alone_potentiates_by_its_share(self):
        weights, _, network = after("triplet", PAIR, spikes(20, [2], [5]), **{"learning.triplet": 0.25})
        assert weights[0, 1] - W == pytest.approx(0.75 * 0.01 * network.w_max * decay(3), rel=1e-9)

    def test_all_spikes_pair(self):
        weights, _, network = after("triplet", PAIR, spikes(20, [2, 6], [9]), **{"learning.triplet": 0.0})
        assert weights[0, 1] - W == pytest.approx(0.01 * network.w_max * (decay(7) + decay(3)), rel=1e-9)

    def test_oja_goes_towards_what_came_before(self):
        weights, _, network = after("Oja", PAIR, spikes(20, [2], [5]))
        assert weights[0, 1] == pytest.approx(W + 0.01 * (network.w_max * decay(3) - W), rel=1e-12)
        weights, _, _ = after("Oja", PAIR, spikes(40, [], [5, 15]))
        assert weights[0, 1] == pytest.approx(W * 0.99 * (1 - 0.01 * (1 + decay(10))), rel=1e-12)

    def test_bcm_weakens_below_its_border_and_strengthens_above(self):
        slow = {"learning.tau_slide": 1e12}
        weak, learned, network = after("BCM", PAIR, spikes(20, [5], [2]), **slow)
        y, border, usual = decay(3), 0.9, 0.4
        assert learned["border"][1] == pytest.approx(border)
        assert weak[0, 1] - W == pytest.approx(0.01 * network.w_max * y * (y - border) / usual**2, rel=1e-9)
        assert weak[0, 1] < W
        strong, _, _ = after("BCM", PAIR, spikes(20, [5], [2, 3, 4]), **slow)
        assert strong[0, 1] > W

    def test_bcm_s_border_slides(self):
        _, learned, _ = after("BCM", PAIR, spikes(3, [], [0]), **{"learning.tau_slide": 100.0})
        border = 0.9
        for y in (0.0, decay(1), decay(2)):
            border += (y * y / 0.4 - border) / 100.0
        assert learned["border"][1] == pytest.approx(border, rel=1e-12)

    @pytest.mark.parametrize("amount", [1.0, -0.5])
    def test_only_a_reward_makes_a_pair_count(self, amount):
        weights, learned, network = after("R-STDP", PAIR, spikes(20, [2], [5]))
        assert weights[0, 1] == W
        network.reward(learned, amount)
        kept = decay(20 - 1 - 5, 1000.0)
        change = amount * 0.01 * network.w_max * decay(3) * kept
        assert dense(network, learned["weights"])[0, 1] - W == pytest.approx(change, rel=1e-9)
        spoke = np.array([decay(20 - 1 - 2, 1000.0), kept])
        np.testing.assert_allclose(learned["threshold"], -0.01 * amount * spoke, rtol=1e-9)

    def test_a_reward_fades_with_the_wait(self):
        network = build("R-STDP", PAIR)
        changes = []
        for wait in (0, 1000):
            learned, state = network.fresh_learned(), network.fresh_state(1)
            force(network, learned, state, spikes(6, [2], [5]))
            force(network, learned, state, np.zeros((wait, 2), bool))
            network.reward(learned, 1.0)
            changes.append(dense(network, learned["weights"])[0, 1] - W)
        assert changes[1] / changes[0] == pytest.approx(np.exp(-1.0), rel=1e-9)

    def test_weights_stay_within_their_bounds(self):
        network = build("R-STDP", PAIR)
        for amount, bound in ((1e6, network.w_max), (-1e6, 0.0)):
            learned = network.fresh_learned()
            force(network, learned, network.fresh_state(1), spikes(20, [2], [5]))
            network.reward(learned, amount)
            assert dense(network, learned["weights"])[0, 1] == bound
            assert learned["threshold"][1] == (-0.5 if amount > 0 else 4.0)


def reference(rule, network, matrix, raster):
    """Weights (or eligibility) after a forced raster, synapse by synapse, in float64."""
    r, exists, n = network.rule, matrix > 0, len(matrix)
    w, e = matrix.copy(), np.zeros_like(matrix)
    taus = [*r.traces] or [1.0]
    traces, last = np.zeros((len(taus), n)), np.full(n, -np.inf)
    border = np.full(n, 0.9)
    for t, fired in enumerate(raster.astype(bool)):
        post, pre = exists & fired[None, :], exists & fired[:, None]
        if rule == "triplet":
            x, o, slow = traces
            w = np.where(post, np.minimum(w + (r.pair + r.triplet * slow)[None, :] * x[:, None], r.w_max), w)
            w = np.where(pre, np.maximum(w - r.minus * o[None, :], 0.0), w)
        elif rule == "Oja":
            x, y = traces
            w = np.where(post, np.clip(w + r.rate * (r.w_max * x[:, None] - (1 + y)[None, :] * w), 0, r.w_max), w)
        elif rule == "BCM":
            y = traces[0]
            border += r.slide * (y * y / r.usual - border)
            w = np.where(pre, np.clip(w + (r.rate * y * (y - border) / r.usual**2)[None, :], 0, r.w_max), w)
        else:
            e /= r.growth
            up, down = (
                0.01 * network.w_max * np.exp(-(t - last) / 20),
                0.0105 * network.w_max * np.exp(-(t - last) / 20),
            )
            e = e + np.where(post, up[:, None], 0.0) - np.where(pre, down[None, :], 0.0)
            last[fired] = t
        traces = (traces + fired) * np.exp(-1.0 / np.array(taus))[:, None]
    return e if rule == "R-STDP" else w


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("precision", "error"), [("float64", 1e-11), ("float32", 1e-5)])
def test_a_rule_equals_its_float64_reference(rule, precision, error):
    rng = np.random.default_rng(5)
    matrix = np.where(rng.random((60, 60)) < 0.2, rng.uniform(0.5, 1.5, (60, 60)), 0.0) * 1e-4
    np.fill_diagonal(matrix, 0.0)
    matrix[7] *= -1.0
    raster = rng.random((1200, 60)) < rng.gamma(1.0, 0.03, 60)
    network = build(rule, matrix, precision)
    learned = network.fresh_learned()
    force(network, learned, network.fresh_state(1), raster)
    expected = reference(rule, network, np.maximum(matrix, 0.0), raster)
    if rule == "R-STDP":
        found = dense(network, learned["eligibility"]) / learned["growth"][0]
        assert np.array_equal(learned["weights"], network.weights)
    else:
        found = np.maximum(dense(network, learned["weights"]), 0.0)
    assert np.abs(found - expected).max() <= error * network.w_max
    assert np.abs(expected - (0 if rule == "R-STDP" else np.maximum(matrix, 0.0))).max() > 0.05 * network.w_max


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_learns_in_the_serving_path_and_a_batch_may_be_split(rule):
    changes = {"reservoir.neurons": 96, "learning.algorithm": rule, "reservoir.input_strength": 0.3}
    network = Network.build(NeuromorphicConfig().replace(changes), 40)
    rng = np.random.default_rng(0)
    rows, gap = rng.integers(0, 4, 400).astype(np.int32), rng.integers(0, 60, 400)
    address = rng.integers(-1, 40, (400, 9)).astype(np.int32)

    def run(cuts):
        learned, state = network.fresh_learned(), network.fresh_state(4)
        for part in np.split(np.arange(400), cuts):
            given = (rows[part], address[part], address[part] * 0, gap[part].astype(np.int64))
            engine().drive(network, learned, state, *given, 2)
            if rule == "R-STDP" and part[-1] in (199, 399):
                network.reward(learned, 0.5)
        return learned, state

    (learned, state), (other, own) = run([200]), run([7, 150, 200, 333])
    assert all(np.array_equal(learned[name], other[name]) for name in learned)
    assert all(np.array_equal(state[name], own[name]) for name in state)
    assert all(not np.array_equal(learned[name], first) for name, first in network.fresh_learned().items())
    inhibitory = network.excitatory == 0
    assert np.array_equal(learned["weights"][inhibitory], network.weights[inhibitory])


@pytest.mark.parametrize("rule", ["BCM", "R-STDP"])
def test_places_that_only_fill_a_row_never_become_synapses(rule):
    matrix = np.zeros((6, 6))
    matrix[0, 1:] = matrix[1, 0] = W
    raster = np.random.default_rng(1).random((600, 6)) < 0.2
    network = build(rule, matrix)
    learned = network.fresh_learned()
    force(network, learned, network.fresh_state(1), raster)
    if rule == "R-STDP":
        network.reward(learned, -3.0)
    weights = dense(network, learned["weights"])
    assert not weights[matrix == 0].any()
    assert not np.array_equal(weights, matrix)


def test_eligibility_outlives_any_number_of_ticks():
    network = build("R-STDP", PAIR, **{"learning.tau_eligibility": 5.0})
    learned, state = network.fresh_learned(), network.fresh_state(1)
    for _ in range(40):
        force(network, learned, state, spikes(50, [2], [5]))
    assert 1.0 <= learned["growth"][0] <= 2e6
    found = dense(network, learned["eligibility"])[0, 1] / learned["growth"][0]
    up, down = 0.01 * network.w_max * decay(3), 0.0105 * network.w_max * decay(47)
    assert found == pytest.approx(up * decay(44, 5.0) - down * decay(47, 5.0), rel=1e-3)


def test_other_rules_take_no_reward():
    network = build("STDP", PAIR)
    with pytest.raises(ConfigError, match="set it to R-STDP"):
        network.reward(network.fresh_learned(), 1.0)
