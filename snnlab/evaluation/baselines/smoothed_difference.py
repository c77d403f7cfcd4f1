"""Persistence, smoothed: squared one-step differences over their training deviation, clipped, averaged, smoothed.

One line that beat every learnt detector on the server metrics of ASD; what loses to it there may not be called good.
"""

import numpy as np
from jaxtyping import Float64

from snnlab.datasets.labelled import LabelledStream
from snnlab.evaluation.baselines.columns import ema, training_rows, training_spread

__all__ = ["score"]

CLIP = 100.0
ALPHA = 0.1


def score(stream: LabelledStream) -> Float64[np.ndarray, " n"]:
    """EMA 0.1 of the mean over columns of ((x_t - x_{t-1}) / sd)², each clipped at 100; all entities pooled."""
    values = stream.events.values
    if not values.size:
        return np.zeros(len(values))
    change = np.diff(values, axis=0, prepend=values[:1])
    _, spread = training_spread(change, training_rows(stream))
    return ema(np.minimum((change / spread) ** 2, CLIP).mean(axis=1), ALPHA)
