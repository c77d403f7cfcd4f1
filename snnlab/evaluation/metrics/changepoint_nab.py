"""NAB's idea for changepoints, as the SKAB leaderboard scores it: each true change opens a window to its right.

The first alarm in a window earns ``s(u)`` by its place u from 0 (the change) to 1 (the window's end); a window without
one costs the profile's false-negative weight, and each alarm outside all windows its false-positive weight A:

    s(u) = (1 + A) / 2 * -tanh(pi (u - 1/2)) / tanh(pi / 2) + (1 - A) / 2

so 1 at the change and -A at the end. The sum is scaled so that no alarm at all is 0 and perfect is 100. It is not the
scale of :func:`nab`, whose sigmoid falls later and reaches past its windows.

Source: I. D. Katser, V. O. Kozitsin, SKAB, 2020 (its leaderboard: windows of 60 s).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from snnlab.errors import DataError
from snnlab.evaluation.metrics.nab import PROFILES, Profile

__all__ = ["changepoint_nab", "changes"]


def changes(flag: ArrayLike) -> np.ndarray:
    """Rows where a run of flags begins or has just ended: the changepoints that flags predict.

    >>> changes([0, 1, 1, 0, 0, 1]).tolist()
    [1, 3, 5]
    """
    return np.flatnonzero(np.diff(np.asarray(flag).astype(np.int8), prepend=0))


def changepoint_nab(
    predicted: Sequence[ArrayLike], true: Sequence[ArrayLike], window_us: int = 60_000_000
) -> dict[str, float]:
    """Score of each profile over all files, in points of 100; NaN where no file has a true change.

    ``predicted`` and ``true`` hold one array of sorted times (µs) a file. A window that would begin before the one to
    its left has ended is cut to begin there.

    Raises:
        DataError: the two differ in files.

    >>> changepoint_nab([[10_000_000], []], [[10_000_000], [5]])["standard"]
    50.0
    """
    if len(predicted) != len(true):
        raise DataError(f"{len(predicted)} files of predicted changes and {len(true)} of true ones: give one of each")
    total = sum(len(np.asarray(times)) for times in true)
    if not total:
        return dict.fromkeys(PROFILES, float("nan"))
    out = {}
    for name, profile in PROFILES.items():
        raw = sum(_file(np.asarray(p), np.asarray(t), window_us, profile) for p, t in zip(predicted, true, strict=True))
        out[name] = 100.0 * (raw + profile.false_negative * total) / (total * (1.0 + profile.false_negative))
    return out


def _file(predicted: np.ndarray, true: np.ndarray, window_us: int, profile: Profile) -> float:
    """Raw score of one file."""
    score, covered, begin = 0.0, np.zeros(len(predicted), bool), -np.inf
    for change in true:
        begin, end = max(float(change), begin), float(change) + window_us
        inside = (predicted >= begin) & (predicted <= end)
        covered |= inside
        if inside.any():
            place = (float(predicted[inside][0]) - begin) / (end - begin) if end > begin else 0.0
            score += _reward(place, profile.false_positive)
        else:
            score -= profile.false_negative
        begin = end
    return score - profile.false_positive * int((~covered).sum())


def _reward(place: float, cost: float) -> float:
    fall = -np.tanh(np.pi * (place - 0.5)) / np.tanh(np.pi / 2)
    return float((1.0 + cost) / 2 * fall + (1.0 - cost) / 2)
