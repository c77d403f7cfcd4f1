"""Outcomes in the order of the input."""

import numpy as np

from snnlab.detectors.judgement import Judgement
from snnlab.detectors.outcome import Outcome


def outcome(values):
    one = np.array(values, float)
    wide = np.column_stack([one, -one])
    judgement = Judgement(one, one + 0.1, one + 0.2, wide, wide)
    return Outcome(judgement, wide.astype(np.float32))


def test_batches_follow_each_other():
    whole = Outcome.following([outcome([1, 2]), outcome([]), outcome([3])])
    assert whole.judgement.score.tolist() == [1, 2, 3]
    assert whole.judgement.groups.tolist() == [[1, -1], [2, -2], [3, -3]]
    assert whole.pattern.shape == (3, 2)
    assert whole.rejected.size == 0


def test_the_rejected_keep_their_places_when_batches_follow_each_other_or_stand_beside():
    early, late = outcome([1, 2])._replace(rejected=np.array([1])), outcome([3, 4])._replace(rejected=np.array([0]))
    assert Outcome.following([early, late]).rejected.tolist() == [1, 2]
    assert Outcome.beside([(np.array([3, 0]), early), (np.array([1, 2]), late)], 4).rejected.tolist() == [0, 1]


def test_shards_stand_at_their_places():
    whole = Outcome.beside([(np.array([3, 0]), outcome([30, 0])), (np.array([1, 2]), outcome([10, 20]))], 4)
    assert whole.judgement.score.tolist() == [0, 10, 20, 30]
    assert whole.judgement.alarm.tolist() == [0.1, 10.1, 20.1, 30.1]
    assert whole.pattern[:, 0].tolist() == [0, 10, 20, 30]


def test_the_rejected_have_no_score_and_nothing_else():
    whole = Outcome.without(outcome([5, 7]), np.array([0, 2]), 4)
    assert np.isnan(whole.judgement.score).tolist() == [True, False, True, False]
    assert whole.judgement.score[[1, 3]].tolist() == [5, 7]
    assert whole.judgement.word[[0, 2]].tolist() == [0, 0]
    assert whole.rejected.tolist() == [0, 2]
