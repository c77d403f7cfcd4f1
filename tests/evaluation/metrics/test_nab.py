import numpy as np
import pytest

from snnlab.errors import DataError
from snnlab.evaluation.metrics import NabFile, nab


def sigmoid(y):
    return 2 / (1 + np.exp(5 * y)) - 1


@pytest.fixture
def file():
    return NabFile.of(1000, [(300, 399), (700, 749)])


def test_probation_is_fifteen_per_cent_and_at_most_750():
    assert NabFile.of(1000, []).probation == 150
    assert NabFile.of(100_000, []).probation == 750


def test_rewards_fall_along_the_window_and_past_it(file):
    assert file.weight[300] == pytest.approx(1.0)
    assert file.weight[399] == pytest.approx(sigmoid(-0.01) / sigmoid(-1.0))
    assert file.weight[400] == pytest.approx(sigmoid(1 / 99))
    assert file.weight[699] == -1.0
    assert file.weight[0] == -1.0


def test_perfect_is_100_and_silent_is_0(file):
    score = np.zeros(1000)
    score[[300, 700]] = 1.0
    assert [part.score for part in nab([file], [score]).values()] == pytest.approx([100.0] * 3)
    assert [part.score for part in nab([file], [np.zeros(1000)], threshold=1.0).values()] == [0.0] * 3


def test_one_hit_one_miss_one_false_alarm_by_hand(file):
    score = np.zeros(1000)
    score[[300, 200]] = 1.0
    result = nab([file], [score], threshold=0.5)
    # Raw standard = 1 (hit) - 1 (missed) - 0.11 (false alarm); silent is -2, perfect 2.
    assert result["standard"].score == pytest.approx(100 * (1 - 1 - 0.11 + 2) / 4)
    assert result["low_fp"].score == pytest.approx(100 * (1 - 1 - 0.22 + 2) / 4)
    assert result["low_fn"].score == pytest.approx(100 * (1 - 2 - 0.11 + 4) / 6)


def test_only_the_earliest_hit_of_a_window_counts(file):
    once, twice = np.zeros(1000), np.zeros(1000)
    once[310] = 1.0
    twice[[310, 350, 399]] = 1.0
    assert nab([file], [once], 0.5) == nab([file], [twice], 0.5)


def test_one_threshold_for_all_files(file):
    loud, quiet = np.zeros(1000), np.zeros(1000)
    loud[[300, 700]] = 10.0
    quiet[[300, 700]] = 0.5
    quiet[200] = 0.4
    result = nab([file, file], [loud, quiet])["standard"]
    assert result.threshold == 0.5
    assert result.score == pytest.approx(100.0)


def test_the_best_threshold_scores_what_it_says(file):
    rng = np.random.default_rng(0)
    score = rng.random(1000)
    score[305] = 1.2
    best = nab([file], [score])
    for name, part in best.items():
        assert nab([file], [score], part.threshold)[name].score == pytest.approx(part.score)
        for level in rng.random(50):
            assert nab([file], [score], level)[name].score <= part.score + 1e-9


def test_rejected_rows_are_never_flagged(file):
    score = np.full(1000, np.nan)
    score[300] = 1.0
    assert nab([file], [score], -1e9)["standard"].score == pytest.approx(50.0)


def test_windows_out_of_order_are_refused():
    with pytest.raises(DataError, match="window 1 is rows 5 to 9"):
        NabFile.of(100, [(8, 20), (5, 9)])


def test_scores_of_another_length_are_refused(file):
    with pytest.raises(DataError, match="1000 rows and 3 scores"):
        nab([file], [np.zeros(3)])
