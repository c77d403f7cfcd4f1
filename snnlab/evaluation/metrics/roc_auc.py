"""ROC-AUC: the chance that an anomaly outranks a normal event."""

import numpy as np
from numpy.typing import ArrayLike

from snnlab.evaluation.metrics.labelled import checked

__all__ = ["roc_auc"]


def roc_auc(score: ArrayLike, label: ArrayLike) -> float:
    """Area under the ROC curve as the Mann-Whitney statistic, ties counted half; NaN unless both labels occur.

    Source: J. A. Hanley, B. J. McNeil, Radiology 143, 1982.

    >>> roc_auc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
    0.75
    """
    scores, truth = checked(score, label)
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return float("nan")
    normal = np.sort(scores[~truth])
    below = np.searchsorted(normal, scores[truth], side="left")
    at_or_below = np.searchsorted(normal, scores[truth], side="right")
    return float((below + at_or_below).sum() / (2.0 * positives * negatives))
