"""How costs grow with size, on two logarithmic axes, where a power law is a line and its slope the exponent."""

from collections.abc import Mapping
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from snnlab.evaluation.growth import Growth
from snnlab.viz.style import CYCLE, new_axes, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_growth"]


def plot_growth(
    costs: Mapping[str, tuple[ArrayLike, ArrayLike]],
    ax: "Axes | None" = None,
    *,
    title: str = "",
    x: str = "",
    y: str = "bytes",
) -> "Axes":
    """A line of dots for each name, ``(sizes, costs)`` as measured, over its fitted law, whose exponent is told."""
    from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

    ax = new_axes(ax, 6.0, 4.0)
    for colour, (name, (sizes, values)) in zip(cycle(CYCLE), costs.items(), strict=False):
        law, reach = Growth.of(sizes, values), np.asarray(sizes, np.float64)
        ends = np.array([reach.min(), reach.max()])
        ax.plot(ends, law.at(ends), color=colour, linewidth=1.2, alpha=0.6)
        ax.plot(reach, values, "o", color=colour, markersize=4.5, label=f"{name}: exponent {law.exponent:.2f}")
    ax.set_xscale("log")
    ax.set_yscale("log")
    ticks = sorted({int(size) for sizes, _ in costs.values() for size in np.asarray(sizes)})
    ax.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.yaxis.set_major_formatter(EngFormatter())
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_minor_formatter(NullFormatter())
    ax.legend(frameon=False, fontsize=9, loc="upper left")
    tidy(ax, title=title, x=x, y=y, grid="y")
    ax.tick_params(which="minor", length=0)
    return ax
