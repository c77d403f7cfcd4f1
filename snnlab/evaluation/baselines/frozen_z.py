"""The largest |z| of a column, against the mean and deviation of the training rows (Shewhart's chart of 1931)."""

import numpy as np
from jaxtyping import Float64

from snnlab.datasets.labelled import LabelledStream
from snnlab.evaluation.baselines.columns import standardised, training_rows

__all__ = ["score"]


def score(stream: LabelledStream) -> Float64[np.ndarray, " n"]:
    """Largest absolute z over the columns, all entities pooled; 0 on the training rows."""
    worst: Float64[np.ndarray, " n"] = np.abs(standardised(stream)).max(axis=1, initial=0.0)
    worst[: training_rows(stream)] = 0.0
    return worst
