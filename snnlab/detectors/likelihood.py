"""Likelihood: evidence against its own past, so that columns of different scale can stand beside each other.

z = (x - mean) / deviation over all that came before, 0 for the first ``warmup`` events. The moments are plain running
averages (West, CACM 22, 1979): nothing is forgotten, and a burst widens its own scale only a little. After n events z
is at most n: what has hardly moved so far has no scale fine enough to say more.
"""

import numpy as np
from jaxtyping import Float64

from snnlab.kernels import kernel
from snnlab.types import Arrays

__all__ = ["fresh_likelihood", "standardise", "standardise_row"]


def fresh_likelihood(columns: int) -> Arrays:
    """The moments of ``columns`` columns that have seen nothing."""
    return {"mean": np.zeros(columns), "variance": np.zeros(columns), "events": np.zeros(1)}


def standardise(
    evidence: Float64[np.ndarray, "n d"], learnt: Arrays, *, warmup: int = 50, learn: bool = True
) -> Float64[np.ndarray, "n d"]:
    """The z-score of each column of evidence against its own past; updates ``learnt`` when ``learn``.

    Example:
        >>> learnt = fresh_likelihood(1)
        >>> quiet = np.array([[1.0], [3.0]] * 50)
        >>> _ = standardise(quiet, learnt)
        >>> float(standardise(np.array([[6.0]]), learnt)[0, 0].round(3))
        4.0
    """
    out = np.zeros_like(evidence)
    _standardise(evidence, learnt["mean"], learnt["variance"], learnt["events"], warmup, learn, out)
    return out


@kernel
def standardise_row(row, mean, variance, events, warmup, learn, out):  # type: ignore[no-untyped-def]
    """The z-scores of one row of evidence; then, when ``learn``, the moments take it in."""
    known = events[0]
    share = 1.0 / (known + 1.0)
    # Two loops without a branch within: each runs on vectors.
    for j in range(row.size):
        out[j] = min((row[j] - mean[j]) / (np.sqrt(variance[j]) + 1e-9), known) if known > warmup else 0.0
    if learn:
        for j in range(row.size):
            away = row[j] - mean[j]
            mean[j] += share * away
            variance[j] = (1.0 - share) * (variance[j] + share * away * away)
        events[0] = known + 1.0


@kernel
def _standardise(evidence, mean, variance, events, warmup, learn, out):  # type: ignore[no-untyped-def]
    for t in range(evidence.shape[0]):
        standardise_row(evidence[t], mean, variance, events, warmup, learn, out[t])
