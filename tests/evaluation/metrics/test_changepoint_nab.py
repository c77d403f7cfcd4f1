import numpy as np
import pytest

from snnlab.errors import DataError
from snnlab.evaluation.metrics import changepoint_nab, changes

SECOND = 1_000_000


def test_figures_of_the_leaderboards_own_code():
    """Three files of 700 s scored by the benchmark's published scorer, windows of 60 s to the right."""
    cases = [
        ([100, 130, 500], [0, 20, 60, 80, 160, 180, 200, 220, 280, 300, 340, 360, 380, 400, 420, 440, 560, 620, 680]),
        ([64, 69, 229, 321], [20, 40, 60, 80, 240, 260, 540, 560, 600, 620, 680]),
        ([106, 398, 551, 584], [80, 100, 340, 360, 500, 520, 680]),
    ]
    published = [(33.67, 0.67, 55.78), (35.60, 24.27, 40.40), (-9.62, -19.25, -6.42)]
    for (true, predicted), figures in zip(cases, published, strict=True):
        score = changepoint_nab([np.array(predicted) * SECOND], [np.array(true) * SECOND])
        assert tuple(score.values()) == pytest.approx(figures, abs=0.02)


def test_at_the_change_is_worth_all_and_at_the_windows_end_a_false_alarm():
    assert changepoint_nab([[0]], [[0]])["standard"] == pytest.approx(100.0)
    assert changepoint_nab([[60 * SECOND]], [[0]])["standard"] == pytest.approx(100 * (-0.11 + 1) / 2)
    assert changepoint_nab([[]], [[0]]) == {"standard": 0.0, "low_fp": 0.0, "low_fn": 0.0}


def test_flags_change_where_they_begin_and_end():
    assert changes([1, 0, 0, 1]).tolist() == [0, 1, 3]


def test_without_a_change_there_is_no_figure():
    assert np.isnan(changepoint_nab([[5]], [[]])["standard"])


def test_one_of_each_a_file():
    with pytest.raises(DataError, match="2 files"):
        changepoint_nab([[], []], [[]])
