"""Point-wise counts of flags against truth: precision, recall, F1, false-alarm rate, missing-alarm rate.

Point-adjusted F1 is left out on purpose: it rewards random scores.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from snnlab.evaluation.metrics.average_precision import precision_recall_curve
from snnlab.evaluation.metrics.labelled import checked

__all__ = ["BestF1", "PointCounts", "best_f1", "point_counts"]


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


@dataclass(frozen=True)
class PointCounts:
    """Events by flag and truth. Add two of them to pool streams."""

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int

    @property
    def precision(self) -> float:
        """Share of the flagged that are anomalies; 0 where nothing is flagged."""
        return _ratio(self.true_positive, self.true_positive + self.false_positive)

    @property
    def recall(self) -> float:
        """Share of the anomalies that are flagged; 0 where there are none."""
        return _ratio(self.true_positive, self.true_positive + self.false_negative)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return _ratio(2 * self.true_positive, 2 * self.true_positive + self.false_positive + self.false_negative)

    @property
    def far(self) -> float:
        """False-alarm rate: share of the normal events that are flagged."""
        return _ratio(self.false_positive, self.false_positive + self.true_negative)

    @property
    def mar(self) -> float:
        """Missing-alarm rate: share of the anomalies that are not flagged."""
        return _ratio(self.false_negative, self.true_positive + self.false_negative)

    def __add__(self, other: "PointCounts") -> "PointCounts":
        """Pooled counts."""
        return PointCounts(
            self.true_positive + other.true_positive,
            self.false_positive + other.false_positive,
            self.false_negative + other.false_negative,
            self.true_negative + other.true_negative,
        )


def point_counts(flag: ArrayLike, label: ArrayLike) -> PointCounts:
    """Counts of ``flag`` (0 or 1 an event) against ``label``.

    Raises:
        DataError: lengths differ, or a label is neither 0 nor 1.

    >>> counts = point_counts([1, 1, 0, 0], [1, 0, 1, 0])
    >>> counts.f1, counts.far, counts.mar
    (0.5, 0.5, 0.5)
    """
    raw, truth = checked(flag, label)
    flags = raw > 0
    return PointCounts(
        int((flags & truth).sum()),
        int((flags & ~truth).sum()),
        int((~flags & truth).sum()),
        int((~flags & ~truth).sum()),
    )


@dataclass(frozen=True)
class BestF1:
    """The best F1 of any threshold, which is chosen on the labels: an upper bound, and to be reported as one."""

    f1: float
    threshold: float
    precision: float
    recall: float


def best_f1(score: ArrayLike, label: ArrayLike) -> BestF1:
    """The threshold with the largest F1 (the highest such threshold); all NaN where no event is an anomaly.

    >>> best_f1([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
    BestF1(f1=0.8, threshold=0.35, precision=0.6666666666666666, recall=1.0)
    """
    precision, recall, threshold = precision_recall_curve(score, label)
    if not len(recall) or np.isnan(recall[-1]):
        return BestF1(*[float("nan")] * 4)
    total = precision + recall
    f1 = np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0)
    best = int(np.argmax(f1))
    return BestF1(float(f1[best]), float(threshold[best]), float(precision[best]), float(recall[best]))
