import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from snnlab.errors import DataError
from snnlab.evaluation.metrics import average_precision, best_f1, roc_auc

SCORED = st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=4, max_size=60).filter(
    lambda rows: {label for _, label in rows} == {True, False}
)


@settings(derandomize=True, deadline=None, max_examples=50)
@given(SCORED)
def test_ranking_metrics_agree_with_sklearn_on_ties(rows):
    score = np.array([row[0] for row in rows], float)
    label = np.array([row[1] for row in rows])
    assert average_precision(score, label) == pytest.approx(average_precision_score(label, score), abs=1e-12)
    assert roc_auc(score, label) == pytest.approx(roc_auc_score(label, score), abs=1e-12)


@settings(derandomize=True, deadline=None, max_examples=30)
@given(SCORED)
def test_best_f1_is_the_best_of_every_threshold(rows):
    score = np.array([row[0] for row in rows], float)
    label = np.array([row[1] for row in rows])
    tried = []
    for level in np.unique(score):
        flag = score >= level
        tried.append(2 * (flag & label).sum() / (flag.sum() + label.sum()))
    best = best_f1(score, label)
    assert best.f1 == pytest.approx(max(tried))
    flag = score >= best.threshold
    assert 2 * (flag & label).sum() / (flag.sum() + label.sum()) == pytest.approx(best.f1)


def test_without_anomalies_there_is_nothing_to_measure():
    assert np.isnan(average_precision([1, 2], [0, 0]))
    assert np.isnan(roc_auc([1, 2], [0, 0]))
    assert np.isnan(best_f1([1, 2], [0, 0]).f1)


def test_a_nan_score_names_its_row():
    with pytest.raises(DataError, match="row 1 is NaN"):
        average_precision([0.0, np.nan], [0, 1])


def test_a_label_that_is_neither_names_itself():
    with pytest.raises(DataError, match="2"):
        roc_auc([0.0, 1.0], [0, 2])


def test_lengths_must_agree():
    with pytest.raises(DataError, match="3 scores for 2 labels"):
        roc_auc([0, 1, 2], [0, 1])
