"""Surprise by group of features over time."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from snnlab.evaluation.metrics import segments
from snnlab.viz.style import HEAT, RED, new_axes, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_groups"]


def plot_groups(
    groups: ArrayLike,
    names: Sequence[str],
    ax: "Axes | None" = None,
    *,
    label: ArrayLike | None = None,
    columns: int = 400,
    limit: float = 8.0,
    unit: str = "standard deviations",
    title: str = "Surprise by group",
) -> "Axes":
    """Groups (rows) over events: the largest evidence in each of ``columns`` slices, shaded from 0 to ``limit``.

    Evidence is in its own standard deviations, unless ``unit`` says otherwise. True anomalies are marked above.
    """
    table = np.clip(np.nan_to_num(np.asarray(groups, float)), 0.0, None)
    ax = new_axes(ax, 10.0, 1.2 + 0.35 * max(len(names), 2))
    starts = np.unique(np.linspace(0, len(table), min(columns, max(len(table), 1)), endpoint=False).astype(int))
    pooled = np.maximum.reduceat(table, starts, axis=0) if len(table) else table
    edges = (0, max(len(table), 1), len(names) - 0.5, -0.5)
    image = ax.imshow(pooled.T, aspect="auto", cmap=HEAT, vmin=0.0, vmax=limit, extent=edges, interpolation="nearest")
    bar = ax.figure.colorbar(image, ax=ax, pad=0.01, extend="max")
    bar.set_label(unit, fontsize=9)
    bar.outline.set_visible(False)
    ax.set_yticks(range(len(names)), list(names))
    if label is not None:
        runs = segments(label)
        # A mixed transform puts the marks just above the picture, whatever its rows.
        ax.plot(
            runs.mean(axis=1),
            np.full(len(runs), 1.03),
            "v",
            color=RED,
            markersize=4,
            clip_on=False,
            transform=ax.get_xaxis_transform(),
        )
    tidy(ax, title=title, x="event")
    ax.title.set_position((0.0, 1.0))
    ax.set_title(title, loc="left", pad=12, fontsize=11)
    ax.spines[["left", "bottom"]].set_visible(False)
    return ax
