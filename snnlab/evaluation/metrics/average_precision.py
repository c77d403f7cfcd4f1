"""Average precision: the area under the precision-recall curve, as a step function."""

import numpy as np
from jaxtyping import Float64
from numpy.typing import ArrayLike

from snnlab.evaluation.metrics.labelled import checked, last_of_ties

__all__ = ["average_precision", "precision_recall_curve"]


def precision_recall_curve(
    score: ArrayLike, label: ArrayLike
) -> tuple[Float64[np.ndarray, " t"], Float64[np.ndarray, " t"], Float64[np.ndarray, " t"]]:
    """Precision, recall and threshold, from the highest threshold to the lowest; ``score >= threshold`` is flagged.

    Equal scores share one threshold. Recall is NaN where no event is an anomaly.

    >>> precision, recall, threshold = precision_recall_curve([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
    >>> precision.round(3).tolist(), recall.tolist(), threshold.tolist()
    ([1.0, 0.5, 0.667, 0.5], [0.5, 0.5, 1.0, 1.0], [0.8, 0.4, 0.35, 0.1])
    """
    scores, truth = checked(score, label)
    order = np.argsort(-scores, kind="stable")
    last = last_of_ties(scores[order])
    hits = np.cumsum(truth[order])[last].astype(np.float64)
    positives = float(truth.sum())
    recall = hits / positives if positives else np.full(len(last), np.nan)
    return hits / (last + 1), recall, scores[order][last]


def average_precision(score: ArrayLike, label: ArrayLike) -> float:
    r"""``AP = Σ (R_t - R_{t-1}) P_t`` over falling thresholds; NaN where no event is an anomaly.

    Ties are one threshold, so a constant score gets the share of anomalies (what flag-everything gets).

    Source: C. D. Manning, P. Raghavan, H. Schütze, Introduction to Information Retrieval, 2008, chapter 8.

    >>> round(average_precision([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]), 4)
    0.8333
    >>> average_precision([1, 1, 1, 1], [0, 0, 0, 1])
    0.25
    """
    precision, recall, _ = precision_recall_curve(score, label)
    if not len(recall) or np.isnan(recall[-1]):
        return float("nan")
    return float(np.dot(np.diff(recall, prepend=0.0), precision))
