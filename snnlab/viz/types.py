"""Confusion by anomaly type as a heatmap."""

from typing import TYPE_CHECKING

import numpy as np

from snnlab.evaluation.confusion import Confusion
from snnlab.viz.style import INK, new_axes, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_confusion"]


def plot_confusion(confusion: Confusion, ax: "Axes | None" = None, *, title: str = "Named types") -> "Axes":
    """True types (rows) by named types and misses (columns): counts as text, shares of the row as shade."""
    table = np.column_stack([confusion.counts, confusion.missed])
    columns = [*confusion.named, "missed"]
    ax = new_axes(ax, 2.6 + 0.85 * len(columns), 1.9 + 0.5 * len(confusion.truth))
    share = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    ax.imshow(share, cmap="Blues", vmin=0.0, vmax=1.0, aspect="auto")
    for (row, column), count in np.ndenumerate(table):
        if count:
            colour = "white" if share[row, column] > 0.6 else INK
            ax.text(column, row, str(count), ha="center", va="center", fontsize=10, color=colour)
    ax.set_xticks(
        range(len(columns)), [_spoken(name) for name in columns], rotation=35, ha="right", rotation_mode="anchor"
    )
    ax.set_yticks(range(len(confusion.truth)), [_spoken(name) for name in confusion.truth])
    accuracy = "" if np.isnan(confusion.accuracy) else f" ({confusion.accuracy:.0%} right)"
    tidy(ax, title=f"{title}{accuracy}", x="named", y="truth")
    ax.spines[["left", "bottom"]].set_visible(False)
    ax.tick_params(length=0)
    return ax


def _spoken(name: str) -> str:
    return name.replace("_", " ") or "(no name)"
