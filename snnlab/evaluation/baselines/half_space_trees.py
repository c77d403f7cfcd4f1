"""River's half-space trees, scored before they learn.

Source: S. C. Tan, K. M. Ting, T. F. Liu, Fast anomaly detection for streaming data, IJCAI 2011.
"""

import numpy as np
from jaxtyping import Float64

from snnlab.datasets.labelled import LabelledStream

__all__ = ["score"]


def score(stream: LabelledStream, seed: int = 0, trees: int = 25, window: int = 250) -> Float64[np.ndarray, " n"]:
    """Mass score in [0, 1] of each event, its columns scaled to the range seen so far; all entities pooled.

    Events without a numeric column all have mass 0.
    """
    from river import anomaly, preprocessing

    scaler = preprocessing.MinMaxScaler()
    forest = anomaly.HalfSpaceTrees(n_trees=trees, window_size=window, seed=seed)
    names = stream.events.names
    found = np.zeros(len(stream.events))
    if not names:
        return found
    for row, values in enumerate(stream.events.values.tolist()):
        event = dict(zip(names, values, strict=True))
        scaler.learn_one(event)
        scaled = scaler.transform_one(event)
        found[row] = forest.score_one(scaled)
        forest.learn_one(scaled)
    return found
