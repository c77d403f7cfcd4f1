"""Evidence against its own past."""

import numpy as np
import pytest

from snnlab.detectors.likelihood import fresh_likelihood, standardise


def test_it_is_the_z_score_of_all_that_came_before():
    rng = np.random.default_rng(1)
    evidence = rng.normal([5.0, -2.0], [3.0, 0.1], (400, 2))
    z = standardise(evidence, fresh_likelihood(2), warmup=50)
    assert not z[:51].any()
    for t in (51, 200, 399):
        past = evidence[:t]
        assert z[t] == pytest.approx((evidence[t] - past.mean(axis=0)) / past.std(axis=0), rel=1e-6)


def test_a_stream_may_be_cut_anywhere():
    evidence = np.random.default_rng(2).exponential(size=(300, 3))
    whole, learnt = standardise(evidence, fresh_likelihood(3)), fresh_likelihood(3)
    pieces = [standardise(evidence[at : at + 7], learnt) for at in range(0, 300, 7)]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_without_learning_nothing_moves():
    learnt = fresh_likelihood(1)
    standardise(np.random.default_rng(3).normal(size=(100, 1)), learnt)
    before = {name: array.copy() for name, array in learnt.items()}
    standardise(np.full((9, 1), 50.0), learnt, learn=False)
    for name, array in before.items():
        np.testing.assert_array_equal(learnt[name], array)


def test_what_is_always_the_same_is_finite():
    z = standardise(np.full((200, 1), 3.0), fresh_likelihood(1))
    assert not z.any()
