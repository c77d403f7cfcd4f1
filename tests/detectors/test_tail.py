"""The calibrated tail against distributions whose tail is known."""

import numpy as np
import pytest

from snnlab.detectors.tail import fresh_tail, rarity

# Of -log10 p, one in a hundred to one in ten thousand. An excess teaches no more than four mean ones, so that anomalies
# do not hide each other: the price is that a very heavy tail is thought a little lighter than it is.
BANDS = {0.0: 0.4, 0.2: 0.4, 0.3: 0.7}


def taught(draws, **settings):
    learnt = fresh_tail()
    rarity(draws, learnt, **settings)
    return learnt


@pytest.mark.parametrize("shape", BANDS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_it_says_how_rare_a_draw_of_a_known_law_is(shape, seed):
    from scipy.stats import genpareto

    law = genpareto(shape, scale=3.0)
    learnt = taught(law.rvs(20_000, random_state=seed), gate=6.0)
    for exponent in (2.0, 3.0, 4.0):
        value = np.array([law.isf(10.0**-exponent)])
        assert rarity(value, learnt, learn=False)[0] == pytest.approx(exponent, abs=BANDS[shape])


def test_it_does_not_matter_in_which_unit_values_come():
    draws = np.random.default_rng(3).exponential(size=3000)
    np.testing.assert_allclose(rarity(draws * 1e6, fresh_tail()), rarity(draws, fresh_tail()), rtol=1e-6)


def test_rarer_values_are_never_less_rare():
    learnt = taught(np.random.default_rng(1).normal(size=5000))
    scores = rarity(np.linspace(-8.0, 40.0, 2000), learnt, learn=False)
    assert (np.diff(scores) >= 0.0).all()
    assert np.isfinite(scores).all()
    assert (scores >= 0.0).all()


def test_half_of_the_values_are_below_one_in_two():
    learnt = taught(np.random.default_rng(2).normal(size=20_000))
    assert rarity(np.zeros(1), learnt, learn=False)[0] == pytest.approx(np.log10(2.0), abs=0.05)


def test_until_there_is_a_tail_a_value_is_as_rare_as_its_rank():
    assert rarity(np.array([1.0, 2.0, 0.0, 2.0]), fresh_tail()) == pytest.approx(
        [0.0, np.log10(2.0), 0.0, -np.log10(2 / 4)]
    )


def test_a_stream_may_be_cut_anywhere():
    draws = np.random.default_rng(5).exponential(size=1000)
    whole, learnt = rarity(draws, fresh_tail()), fresh_tail()
    pieces = [rarity(draws[at : at + 13], learnt) for at in range(0, 1000, 13)]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_without_learning_nothing_moves():
    learnt = taught(np.random.default_rng(6).exponential(size=500))
    before = {name: array.copy() for name, array in learnt.items()}
    rarity(np.arange(50.0), learnt, learn=False)
    for name, array in before.items():
        np.testing.assert_array_equal(learnt[name], array)


def test_a_long_anomaly_does_not_calibrate_itself_away():
    draws = np.random.default_rng(7).exponential(size=5000)
    scores = rarity(np.concatenate([draws, np.full(400, 30.0)]), fresh_tail())
    assert scores[5000] > 5.0
    assert scores[5399] > 3.3


@pytest.mark.parametrize("n", [70, 300, 3000])
def test_the_first_tiny_step_of_a_constant_stream_is_not_the_rarest_thing_ever(n):
    learnt = taught(np.full(n, 5.0))
    score = rarity(np.array([5.0 + 1e-6]), learnt, learn=False)[0]
    assert 0.0 < score / (score + 3.3) < 0.9
