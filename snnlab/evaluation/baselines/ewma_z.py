"""The largest |z| of a column against an exponentially weighted mean and deviation of the past.

Source: S. W. Roberts, Control chart tests based on geometric moving averages, Technometrics 1959.
"""

import numpy as np
from jaxtyping import Float64

from snnlab.datasets.labelled import LabelledStream
from snnlab.evaluation.baselines.columns import ema

__all__ = ["score"]

ALPHA = 0.02
WARM_UP = 50


def score(stream: LabelledStream, alpha: float = ALPHA) -> Float64[np.ndarray, " n"]:
    """Largest absolute z over the columns against the events before it, all entities pooled; 0 for the first 50."""
    values = stream.events.values
    worst = np.zeros(len(values))
    if len(values) <= WARM_UP:
        return worst
    mean = ema(values, alpha)[:-1]
    square = ema((values[1:] - mean) ** 2, alpha)
    # The deviation known before event t is the one that events up to t - 1 left.
    spread = np.sqrt(np.vstack([square[:1], square[:-1]]))
    z = np.abs(values[1:] - mean) / np.where(spread > 0, spread, 1.0)
    worst[1:] = z.max(axis=1, initial=0.0)
    worst[:WARM_UP] = 0.0
    return worst
