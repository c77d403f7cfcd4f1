"""Range-based precision, recall and F1: runs of flags against runs of truth, each run counting once.

With flat bias and ``|R ∩ P|`` in rows, for a run R of one side against all runs P of the other:

    overlap(R)  = cardinality(R) * Σ_P |R ∩ P| / |R|,   cardinality = 1 / (number of runs that touch R), at least 1
    recall      = mean over true runs of    a * [R is touched] + (1 - a) * overlap(R)
    precision   = mean over flagged runs of overlap(R)

``a`` (``alpha``) is the weight of finding a run at all; precision has no such term, as in the paper.

Source: N. Tatbul et al., Precision and recall for time series, NeurIPS 2018.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64
from numpy.typing import ArrayLike

from snnlab.errors import ConfigError
from snnlab.evaluation.metrics.labelled import checked, segments

__all__ = ["RangeScores", "best_range_f1", "range_scores"]


@dataclass(frozen=True)
class RangeScores:
    """Range precision, recall and their harmonic mean, each in [0, 1]; NaN where nothing is true."""

    precision: float
    recall: float
    f1: float


def range_scores(flag: ArrayLike, label: ArrayLike, alpha: float = 0.0) -> RangeScores:
    """Scores of the runs of ``flag`` against the runs of ``label``, rows in time order.

    Raises:
        ConfigError: ``alpha`` lies outside 0 to 1.
        DataError: flags and labels do not fit each other.

    >>> range_scores([0, 1, 0, 1, 0, 0], [0, 1, 1, 1, 0, 0])
    RangeScores(precision=1.0, recall=0.3333333333333333, f1=0.5)
    """
    if not 0.0 <= alpha <= 1.0:
        raise ConfigError(f"alpha is {alpha}: the weight of finding a run at all is between 0 and 1")
    raw, truth = checked(flag, label)
    if not truth.any():
        return RangeScores(*[float("nan")] * 3)
    flagged, true = segments(raw > 0), segments(truth)
    touched, overlap = _overlap(true, flagged)
    recall = float(np.mean(alpha * touched + (1.0 - alpha) * overlap))
    precision = float(np.mean(_overlap(flagged, true)[1])) if len(flagged) else 0.0
    total = precision + recall
    return RangeScores(precision, recall, 2.0 * precision * recall / total if total else 0.0)


def best_range_f1(score: ArrayLike, label: ArrayLike, alpha: float = 0.0, thresholds: int = 200) -> float:
    """The best range F1 over thresholds at evenly spaced ranks of the score, chosen on the labels; NaN without truth.

    >>> best_range_f1([0, 3, 2, 3, 0, 1], [0, 1, 1, 1, 0, 0])
    1.0
    """
    scores, truth = checked(score, label)
    if not truth.any():
        return float("nan")
    # Anomalies are rare, so ranks are spaced by powers: dense where few rows are flagged.
    ranks = np.unique(np.geomspace(1, len(scores), thresholds).astype(int)) - 1
    levels = np.unique(-np.sort(-scores)[ranks])
    return max(range_scores(scores >= level, truth, alpha).f1 for level in levels)


def _overlap(
    runs: Int64[np.ndarray, "r 2"], others: Int64[np.ndarray, "o 2"]
) -> tuple[Float64[np.ndarray, " r"], Float64[np.ndarray, " r"]]:
    """For each run: whether any other run touches it, and its discounted share of covered rows."""
    first = np.searchsorted(others[:, 1], runs[:, 0], side="left")
    stop = np.searchsorted(others[:, 0], runs[:, 1], side="right")
    touching = np.maximum(stop - first, 0)
    covered = _rows_before(others, runs[:, 1] + 1) - _rows_before(others, runs[:, 0])
    share = covered / (runs[:, 1] - runs[:, 0] + 1)
    return (touching > 0).astype(np.float64), share / np.maximum(touching, 1)


def _rows_before(runs: Int64[np.ndarray, "r 2"], row: Int64[np.ndarray, " q"]) -> Int64[np.ndarray, " q"]:
    """Rows of all ``runs`` that come before each ``row``."""
    lengths = np.r_[0, np.cumsum(runs[:, 1] - runs[:, 0] + 1)]
    started = np.searchsorted(runs[:, 0], row, side="left")
    ends = np.r_[-1, runs[:, 1]][started]
    return np.asarray(lengths[started] - np.where(started > 0, np.maximum(ends + 1 - row, 0), 0), np.int64)
