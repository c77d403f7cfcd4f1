"""What scores and flags are worth: the figures of one row of a report."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64
from numpy.typing import ArrayLike

from snnlab.evaluation import metrics

__all__ = ["Alarms", "Quality", "TypeQuality", "by_type"]


@dataclass(frozen=True)
class Quality:
    """What a score alone is worth: no threshold, or for both F1 the best one, chosen on the labels."""

    average_precision: float
    roc_auc: float
    vus_pr: float
    best_range_f1: float
    best_f1: float

    @classmethod
    def of(cls, score: ArrayLike, label: ArrayLike) -> "Quality":
        """Quality of scores, one an event in stream order."""
        return cls(
            metrics.average_precision(score, label),
            metrics.roc_auc(score, label),
            metrics.vus_pr(score, label),
            metrics.best_range_f1(score, label),
            metrics.best_f1(score, label).f1,
        )


@dataclass(frozen=True)
class Alarms:
    """What the detector's own flags are worth, at its own threshold."""

    flagged: int
    precision: float
    recall: float
    f1: float
    false_alarm_rate: float
    range_f1: float
    runs: int
    runs_found: int
    median_delay_seconds: float
    median_delay_events: float
    false_alarms_per_day: float
    false_alarms_per_2000_normal: float

    @classmethod
    def of(cls, flag: ArrayLike, label: ArrayLike, timestamps: ArrayLike) -> "Alarms":
        """Worth of flags, one an event in stream order; ``timestamps`` in µs."""
        counts = metrics.point_counts(flag, label)
        delay = metrics.detection_delay(flag, label, timestamps)
        return cls(
            flagged=counts.true_positive + counts.false_positive,
            precision=counts.precision,
            recall=counts.recall,
            f1=counts.f1,
            false_alarm_rate=counts.far,
            range_f1=metrics.range_scores(flag, label).f1,
            runs=delay.runs,
            runs_found=delay.found,
            median_delay_seconds=delay.median_seconds,
            median_delay_events=delay.median_events,
            false_alarms_per_day=metrics.false_alarms_per_day(flag, label, timestamps),
            false_alarms_per_2000_normal=metrics.false_alarms_per_events(flag, label),
        )


@dataclass(frozen=True)
class TypeQuality:
    """How well one type is found.

    ``ap_against_normal`` ranks its events against normal ones by the plain score; ``ap_against_rest`` ranks them
    against all others, where the score of an event that was named as another type is damped to a tenth.
    """

    events: int
    flagged: int
    ap_against_normal: float
    ap_against_rest: float


def by_type(
    score: Float64[np.ndarray, " n"],
    flag: Bool[np.ndarray, " n"],
    named: np.ndarray,
    label: np.ndarray,
    kind: np.ndarray,
) -> dict[str, TypeQuality]:
    """Each true type of ``kind`` against normal events, and against everything else.

    >>> found = by_type(np.array([3.0, 2.0, 1.0]), np.array([True, True, False]), np.array(["a", "a", ""], object),
    ...                 np.array([1, 1, 0]), np.array(["b", "a", ""], object))
    >>> found["a"].ap_against_rest, found["b"].ap_against_rest
    (0.5, 0.5)
    """
    out = {}
    for name in sorted({item for item in kind.tolist() if item}):
        true = kind == name
        against_normal = true | (label == 0)
        other = (named != "") & (named != name)
        damped = np.where(other, score.clip(0) * 0.1, score)
        out[name] = TypeQuality(
            events=int(true.sum()),
            flagged=int((true & flag).sum()),
            ap_against_normal=metrics.average_precision(score[against_normal], true[against_normal]),
            ap_against_rest=metrics.average_precision(damped, true),
        )
    return out
