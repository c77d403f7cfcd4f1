"""How the evidence of readouts becomes a score, a word and evidence by group."""

import numpy as np

from snnlab.detectors.judgement import Judge
from snnlab.detectors.readouts import Change, Level

N = 700


def judge(readouts=None, groups=((0, 1), (1, 1)), **changes):
    readouts = readouts or (Level(), Change(weight=0.5))
    return Judge.of(readouts, groups, 2, **{"refractory": 10, "threshold": 3.0, "gate": 3.0} | changes)


def evidence(seed=0):
    rng = np.random.default_rng(seed)
    values = rng.exponential(1.0, (N, 4))
    values[600] = [40, 1, 1, 1]
    values[601:604] = [30, 1, 1, 1]
    return values, rng.integers(0, 3, N).astype(np.int32)


def run(one, values, rows, step=N, learn=True):
    learnt, memory = one.fresh(), one.remembered(3)
    return [
        one.judge(values[at : at + step], rows[at : at + step], learnt, memory, learn=learn)
        for at in range(0, len(values), step)
    ]


def test_the_score_is_the_strongest_weighted_rarity():
    (found,) = run(judge(), *evidence())
    weighted = found.rarities * [1.0, 0.5]
    np.testing.assert_array_equal(found.score, np.maximum(weighted.max(axis=1), 0.0))
    assert found.score[600] == found.score.max()
    assert found.groups[600, 0] > 5.0
    assert found.groups[600, 1] < 5.0


def test_until_evidence_has_a_scale_there_is_no_score():
    (found,) = run(judge(), *evidence())
    assert not found.score[:100].any()
    assert found.score[200:].any()


def test_judgements_may_be_made_in_pieces():
    (whole,) = run(judge(), *evidence())
    pieces = run(judge(), *evidence(), step=7)
    for name in ("score", "alarm", "word", "groups", "rarities"):
        np.testing.assert_array_equal(np.concatenate([getattr(p, name) for p in pieces]), getattr(whole, name))


def test_a_word_is_said_from_the_threshold_on_and_once_a_burst():
    values, _ = evidence()
    (found,) = run(judge(), values, np.zeros(N, np.int32))
    assert (found.score[found.word > 0] >= 3.0).all()
    assert found.word[600] == found.score[600]
    assert (found.score[601:604] >= 3.0).all()
    assert not found.word[601:604].any()


def test_without_a_refractory_time_every_anomaly_is_a_word():
    values, _ = evidence()
    (found,) = run(judge(refractory=0), values, np.zeros(N, np.int32))
    np.testing.assert_array_equal(found.word > 0, found.score >= 3.0)


def test_a_voice_is_how_loud_an_alarm_neuron_is_and_where_none_has_one_all_speak_by_weight():
    (soft,) = run(judge((Level(voice=0.5), Change(voice=0.0))), *evidence())
    (loud,) = run(judge((Level(voice=1.0), Change(voice=0.0))), *evidence())
    (all_mute,) = run(judge((Level(voice=0.0), Change(voice=0.0))), *evidence())
    (by_weight,) = run(judge((Level(voice=1.0), Change(voice=1.0))), *evidence())
    assert loud.alarm[600] > 0
    np.testing.assert_allclose(soft.alarm, 0.5 * loud.alarm)
    np.testing.assert_array_equal(all_mute.alarm, by_weight.alarm)
    np.testing.assert_array_equal(soft.score, loud.score)


def test_without_learning_nothing_learnt_moves():
    one, (values, rows) = judge(), evidence()
    learnt, memory = one.fresh(), one.remembered(3)
    one.judge(values, rows, learnt, memory, learn=True)
    before = {name: array.copy() for name, array in learnt.items()}
    one.judge(values, rows, learnt, memory, learn=False)
    for name, array in before.items():
        np.testing.assert_array_equal(learnt[name], array, err_msg=name)
