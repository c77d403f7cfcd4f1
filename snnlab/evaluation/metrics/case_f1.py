"""Case-level F1 for process logs: a case is as anomalous as its most anomalous event."""

from typing import Literal

import numpy as np
from jaxtyping import Bool, Float64
from numpy.typing import ArrayLike

from snnlab.evaluation.metrics.labelled import checked
from snnlab.evaluation.metrics.point import BestF1, best_f1

__all__ = ["case_best_f1", "case_scores"]


def case_scores(
    score: ArrayLike, label: ArrayLike, case: ArrayLike, pool: Literal["max", "sum", "mean"] = "max"
) -> tuple[Float64[np.ndarray, " c"], Bool[np.ndarray, " c"]]:
    """Score and truth of each case; a case is an anomaly if any of its events is.

    >>> case_scores([1, 5, 2, 3], [0, 0, 1, 1], ["a", "a", "b", "b"])
    (array([5., 3.]), array([False,  True]))
    """
    scores, truth = checked(score, label)
    names, of_case = np.unique(np.asarray(case), return_inverse=True)
    labels = np.zeros(len(names), bool)
    np.logical_or.at(labels, of_case, truth)
    if pool == "max":
        pooled = np.full(len(names), -np.inf)
        np.maximum.at(pooled, of_case, scores)
        return pooled, labels
    pooled = np.bincount(of_case, scores, minlength=len(names))
    return (pooled / np.bincount(of_case, minlength=len(names)) if pool == "mean" else pooled), labels


def case_best_f1(
    score: ArrayLike, label: ArrayLike, case: ArrayLike, pool: Literal["max", "sum", "mean"] = "max"
) -> BestF1:
    """Best F1 over the cases, the threshold chosen on the labels, as the published results of these logs do.

    Source: W. Guan et al., GAMA, Information Systems 124, 2024.

    >>> case_best_f1([1, 5, 2, 6], [0, 0, 1, 1], ["a", "a", "b", "b"]).f1
    1.0
    """
    return best_f1(*case_scores(score, label, case, pool))
