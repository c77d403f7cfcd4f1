"""The largest |z| of a smoothed column: the strong one on sensor levels such as SKAB's."""

import numpy as np
from jaxtyping import Float64

from snnlab.datasets.labelled import LabelledStream
from snnlab.evaluation.baselines.columns import ema, training_rows, training_spread

__all__ = ["score"]

ALPHA = 0.1


def score(stream: LabelledStream) -> Float64[np.ndarray, " n"]:
    """Largest absolute z over the columns after EMA 0.1, against the training rows; all entities pooled."""
    smooth = ema(stream.events.values, ALPHA)
    mean, spread = training_spread(smooth, training_rows(stream))
    worst: Float64[np.ndarray, " n"] = np.abs((smooth - mean) / spread).max(axis=1, initial=0.0)
    worst[: training_rows(stream)] = 0.0
    return worst
