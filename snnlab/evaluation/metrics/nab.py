"""The Numenta Anomaly Benchmark's score for its three application profiles.

A flagged row inside a truth window earns ``s(y) = 2 / (1 + e^{5y}) - 1`` by its place in the window (y from -1 at the
window's start to 0 at its end), and only the best of a window counts; a missed window costs the profile's
false-negative weight; a flagged row outside costs the profile's false-positive weight times s of the distance to the
window before it, or the whole weight far away. One threshold serves all
files. The sum is scaled so that flagging nothing is 0 and a perfect detector 100. The first 15 % of a file (at most
750 rows) are not scored.

Source: A. Lavin, S. Ahmad, Evaluating real-time anomaly detection algorithms, ICMLA 2015; the benchmark's scorer 1.1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64
from numpy.typing import ArrayLike

from snnlab.errors import DataError
from snnlab.evaluation.metrics.labelled import last_of_ties

__all__ = ["PROFILES", "NabFile", "NabScore", "Profile", "nab"]


@dataclass(frozen=True)
class Profile:
    """What a false alarm and a missed window cost; a hit at a window's start earns 1."""

    false_positive: float
    false_negative: float


PROFILES: Mapping[str, Profile] = {
    "standard": Profile(0.11, 1.0),
    "low_fp": Profile(0.22, 1.0),
    "low_fn": Profile(0.11, 2.0),
}
"""The benchmark's three profiles."""


def _sigmoid(y: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    return 2.0 / (1.0 + np.exp(5.0 * y)) - 1.0


@dataclass(frozen=True)
class NabFile:
    """What a flag on each row of one file is worth: ``weight`` in [-1, 1], and the ``window`` it lies in (-1: none)."""

    weight: Float64[np.ndarray, " n"]
    window: Int64[np.ndarray, " n"]
    windows: int
    probation: int

    @classmethod
    def of(cls, rows: int, windows: Sequence[tuple[int, int]]) -> "NabFile":
        """A file of ``rows`` rows with truth ``windows`` as (first row, last row), both included, in order.

        Raises:
            DataError: a window lies outside the file or overlaps the one before it.

        >>> file = NabFile.of(20, [(10, 14)])
        >>> file.probation, file.weight[[9, 10, 14, 15]].round(3).tolist()
        (3, [-1.0, 1.0, 0.468, -0.555])
        """
        weight, window = np.full(rows, -1.0), np.full(rows, -1, np.int64)
        previous = -1
        for k, (first, last) in enumerate(windows):
            if not previous < first <= last < rows:
                raise DataError(
                    f"window {k} is rows {first} to {last} of {rows}: windows are in order, apart, and inside the file"
                )
            inside = np.arange(first, last + 1)
            weight[inside] = _sigmoid(-(last - inside + 1) / (last - first + 1.0)) / _sigmoid(np.array(-1.0))
            window[inside] = k
            after = np.arange(last + 1, windows[k + 1][0] if k + 1 < len(windows) else rows)
            distance = (after - last) / max(last - first, 1)
            weight[after] = np.where(distance > 3.0, -1.0, _sigmoid(np.minimum(distance, 3.0)))
            previous = last
        return cls(weight, window, len(windows), min(int(0.15 * rows), 750))


@dataclass(frozen=True)
class NabScore:
    """A profile's normalised score and the threshold it was reached at (``score >= threshold`` is flagged)."""

    score: float
    threshold: float


def nab(
    files: Sequence[NabFile],
    scores: Sequence[ArrayLike],
    threshold: float | Mapping[str, float] | None = None,
) -> dict[str, NabScore]:
    """The score of each profile over all ``files``, at one threshold for all.

    Without ``threshold`` it is the one that is best for each profile, chosen on the labels as the benchmark's own
    protocol does; with it (one number, or one a profile) the score at just that threshold. NaN is never flagged.

    Raises:
        DataError: a file and its scores differ in length, or there are no files.

    >>> file = NabFile.of(100, [(50, 59)])
    >>> spike = np.zeros(100); spike[50] = 1.0
    >>> nab([file], [spike])["standard"]
    NabScore(score=100.0, threshold=1.0)
    >>> round(nab([file], [spike], threshold=0.0)["standard"].score, 2)
    -301.4
    """
    score, weight, window, total = _pooled(files, scores)
    order = np.argsort(-score, kind="stable")
    score, weight, window = score[order], weight[order], window[order]
    last = last_of_ties(score)
    last = last[~np.isneginf(score[last])]
    live = len(np.unique(window[window >= 0]))
    out = {}
    for name, profile in PROFILES.items():
        gain = _gains(weight, window, profile)
        # A window that lies wholly in probation is neither missed nor found, but counts in the perfect score.
        reached = np.r_[0.0, np.cumsum(gain)[last]]
        levels = np.r_[np.inf, score[last]]
        if threshold is None:
            at = int(np.argmax(reached))
            chosen = float(levels[at])
        else:
            chosen = float(threshold[name] if isinstance(threshold, Mapping) else threshold)
            at = int(np.searchsorted(-levels, -chosen, side="right")) - 1
        perfect = total + profile.false_negative * live
        out[name] = NabScore(float(100.0 * reached[at] / perfect) if perfect else float("nan"), chosen)
    return out


def _pooled(
    files: Sequence[NabFile], scores: Sequence[ArrayLike]
) -> tuple[Float64[np.ndarray, " n"], Float64[np.ndarray, " n"], Int64[np.ndarray, " n"], int]:
    """Scored rows of all files, windows numbered through."""
    if not files or len(files) != len(scores):
        raise DataError(f"{len(files)} files and {len(scores)} score arrays: give one array a file, and at least one")
    score, weight, window, base = [], [], [], 0
    for number, (file, given) in enumerate(zip(files, scores, strict=True)):
        values = np.asarray(given, np.float64)
        if values.shape != file.weight.shape:
            raise DataError(f"file {number} has {len(file.weight)} rows and {values.size} scores: give one score a row")
        live = slice(file.probation, None)
        score.append(np.where(np.isnan(values), -np.inf, values)[live])
        weight.append(file.weight[live])
        window.append(np.where(file.window[live] >= 0, file.window[live] + base, -1))
        base += file.windows
    return np.concatenate(score), np.concatenate(weight), np.concatenate(window), base


def _gains(
    weight: Float64[np.ndarray, " n"], window: Int64[np.ndarray, " n"], profile: Profile
) -> Float64[np.ndarray, " n"]:
    """What flagging each further row adds, rows by falling score."""
    gain = profile.false_positive * weight
    inside = np.flatnonzero(window >= 0)
    inside = inside[np.argsort(window[inside], kind="stable")]
    for rows in np.split(inside, np.flatnonzero(np.diff(window[inside])) + 1):
        gain[rows] = np.diff(np.maximum.accumulate(np.r_[-profile.false_negative, weight[rows]]))
    return gain
