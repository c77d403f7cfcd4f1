"""Trivial and ordinary detectors that stand beside every result.

Each file has one ``score(stream)``: a float an event, higher for more anomalous, that looks at numeric columns only,
pools all entities, and never looks ahead.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from jaxtyping import Float64

from snnlab.datasets.labelled import LabelledStream
from snnlab.evaluation.baselines import (
    ewma_z,
    flag_everything,
    frozen_z,
    half_space_trees,
    smoothed_difference,
    smoothed_max_z,
)

__all__ = ["BASELINES", "TRIVIAL", "Baseline"]

Baseline: TypeAlias = Callable[[LabelledStream], Float64[np.ndarray, " n"]]

TRIVIAL: dict[str, Baseline] = {
    "flag_everything": flag_everything.score,
    "frozen_z": frozen_z.score,
    "ewma_z": ewma_z.score,
}
"""What the generated streams are made to defeat."""

BASELINES: dict[str, Baseline] = {
    **TRIVIAL,
    "smoothed_difference": smoothed_difference.score,
    "smoothed_max_z": smoothed_max_z.score,
    "half_space_trees": half_space_trees.score,
}
"""All of them, by name."""
