"""How long each of several takes, on a logarithmic scale."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from snnlab.viz.style import BLUE, GREY, INK, new_axes, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_times"]


def plot_times(
    values: Mapping[str, float], ax: "Axes | None" = None, *, title: str = "", x: str = "µs a tick"
) -> "Axes":
    """A bar for each name, the quickest on top and the first of ``values`` dark; beside it how many times as long."""
    names = sorted(values, key=lambda name: values[name])
    ax = new_axes(ax, 7.0, 0.9 + 0.32 * len(names))
    first, places = next(iter(values)), np.arange(len(names))
    ax.barh(places, [values[name] for name in names], 0.72, color=[BLUE if name == first else GREY for name in names])
    for place, name in enumerate(names):
        told = f"{values[name]:,.0f}" + ("" if name == first else f"  ({_times(values[name] / values[first])})")
        end = (values[name], float(place))
        ax.annotate(told, end, (4, 0), textcoords="offset points", va="center", fontsize=9, color=INK)
    ax.set_yticks(places, names)
    ax.invert_yaxis()
    ax.set_xscale("log")
    ax.set_xlim(min(values.values()) / 3, 12 * max(values.values()))
    return tidy(ax, title=title, x=x)


def _times(ratio: float) -> str:
    return f"{ratio:,.0f}x" if ratio >= 100 else f"{ratio:.3g}x"
