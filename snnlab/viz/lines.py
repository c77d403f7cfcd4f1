"""Named lines: how a few quantities run, one beside the other."""

from collections.abc import Mapping
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from snnlab.viz.style import CYCLE, GREY, new_axes, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_lines"]


def plot_lines(
    lines: Mapping[str, ArrayLike],
    ax: "Axes | None" = None,
    *,
    along: ArrayLike | None = None,
    target: float | None = None,
    title: str = "",
    x: str = "",
    y: str = "",
) -> "Axes":
    """A line for each name, over its own count or over ``along``; ``target`` is a value to be held, dashed."""
    ax = new_axes(ax)
    for colour, (name, values) in zip(cycle(CYCLE), lines.items(), strict=False):
        heights = np.asarray(values, float)
        places = np.arange(len(heights)) if along is None else np.asarray(along)
        ax.plot(places, heights, color=colour, linewidth=1.5, label=name)
    if target is not None:
        ax.axhline(target, color=GREY, linestyle="--", linewidth=1, label=f"target {target:g}")
    ax.legend(frameon=False, fontsize=9, ncols=4, loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.1)
    ax.margins(x=0)
    return tidy(ax, title=title, x=x, y=y, grid="y")
