"""The two arrays that every metric reads, checked once: scores, and whether each event is truly an anomaly."""

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy.typing import ArrayLike

from snnlab.errors import DataError

__all__ = ["checked", "last_of_ties", "segments"]


def checked(score: ArrayLike, label: ArrayLike) -> tuple[Float64[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    """Scores as float64 and labels as bool, of one length.

    Raises:
        DataError: lengths differ, a score is NaN, or a label is neither 0 nor 1.

    >>> checked([0.5, 2], [0, 1])
    (array([0.5, 2. ]), array([False,  True]))
    """
    scores, labels = np.asarray(score, np.float64).ravel(), np.asarray(label).ravel()
    if len(scores) != len(labels):
        raise DataError(f"{len(scores)} scores for {len(labels)} labels: a metric needs one of each an event")
    if np.isnan(scores).any():
        row = int(np.flatnonzero(np.isnan(scores))[0])
        raise DataError(
            f"the score of row {row} is NaN (a rejected event): leave such rows out with score[~numpy.isnan(score)]"
        )
    truth = labels.astype(bool)
    if not np.array_equal(truth, labels):
        odd = labels[truth != labels][0]
        raise DataError(f"a label is {odd!r}: labels are 0 (normal) or 1 (anomaly)")
    return scores, truth


def last_of_ties(ordered: Float64[np.ndarray, " n"]) -> Int64[np.ndarray, " t"]:
    """Position of the last of each run of equal scores: where a threshold can lie.

    >>> last_of_ties(np.array([3.0, 2.0, 2.0, 1.0])).tolist()
    [0, 2, 3]
    """
    return np.flatnonzero(np.append(ordered[1:] != ordered[:-1], bool(len(ordered))))


def segments(flag: ArrayLike) -> Int64[np.ndarray, "s 2"]:
    """First and last row of every run of true values.

    >>> segments([0, 1, 1, 0, 1]).tolist()
    [[1, 2], [4, 4]]
    """
    edges = np.diff(np.asarray(flag).astype(np.int8), prepend=0, append=0)
    return np.column_stack([np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1]).astype(np.int64)
