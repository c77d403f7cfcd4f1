"""What the baselines share: which rows they learn from, and how columns become smooth or standard."""

import numpy as np
from jaxtyping import Float64

from snnlab.datasets.labelled import LabelledStream

__all__ = ["ema", "standardised", "training_rows", "training_spread"]

PROBATION = 0.15
"""The first rows of a stream without a training part, as a share: what NAB leaves unscored as well."""


def training_rows(stream: LabelledStream) -> int:
    """How many of the first rows a frozen baseline may learn from; at least one, if there is any."""
    n = len(stream.events)
    return min(stream.train or max(int(PROBATION * n), 1), n)


def training_spread(
    values: Float64[np.ndarray, "n f"], rows: int
) -> tuple[Float64[np.ndarray, " f"], Float64[np.ndarray, " f"]]:
    """Mean and standard deviation of the first ``rows`` rows; a constant column counts as having deviation 1.

    >>> training_spread(np.array([[1.0, 5.0], [3.0, 5.0], [9.0, 9.0]]), 2)
    (array([2., 5.]), array([1., 1.]))
    """
    if not rows:
        return np.zeros(values.shape[1]), np.ones(values.shape[1])
    spread = values[:rows].std(axis=0)
    return values[:rows].mean(axis=0), np.where(spread > 0, spread, 1.0)


def standardised(stream: LabelledStream) -> Float64[np.ndarray, "n f"]:
    """Columns in standard deviations from their training mean."""
    mean, spread = training_spread(stream.events.values, training_rows(stream))
    return np.asarray((stream.events.values - mean) / spread)


def ema(values: Float64[np.ndarray, "n ..."], alpha: float) -> Float64[np.ndarray, "n ..."]:
    """Exponential moving average along the rows, begun at the first: ``y_t = y_{t-1} + alpha (x_t - y_{t-1})``.

    >>> ema(np.array([0.0, 1.0, 1.0]), 0.5).tolist()
    [0.0, 0.5, 0.75]
    """
    from scipy.signal import lfilter

    if not len(values):
        return values.copy()
    smooth, _ = lfilter([alpha], [1.0, alpha - 1.0], values, axis=0, zi=(1.0 - alpha) * values[:1])
    return np.asarray(smooth, np.float64)
