"""Weights before and after learning."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from snnlab.viz.style import BLUE, GREY, new_axes, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_weights"]


def plot_weights(
    before: ArrayLike,
    after: ArrayLike | None = None,
    ax: "Axes | None" = None,
    *,
    bins: int = 60,
    title: str = "Weights",
) -> "Axes":
    """Histogram of synaptic weights: the start as a grey area, what learning made of it as a line."""
    ax = new_axes(ax, 6.0, 3.0)
    start = np.asarray(before, float).ravel()
    end = start if after is None else np.asarray(after, float).ravel()
    edges = np.histogram_bin_edges(np.concatenate([start, end]), bins).tolist()
    ax.hist(start, edges, color=GREY, alpha=0.45, label="before learning" if after is not None else "weights")
    if after is not None:
        ax.hist(end, edges, histtype="step", color=BLUE, linewidth=1.6, label="after")
        ax.legend(frameon=False, fontsize=9)
    return tidy(ax, title=title, x="weight", y="synapses", grid="y")
