"""Spikes of a reservoir: the raster, and how fast the populations fire."""

from collections.abc import Mapping
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from snnlab.viz.style import BLUE, CYCLE, new_axes, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_rates", "plot_spikes"]


def plot_spikes(
    tick: ArrayLike, neuron: ArrayLike, ax: "Axes | None" = None, *, colour: str = BLUE, title: str = "Spikes"
) -> "Axes":
    """Raster: a dot for each spike, ticks to the right, neurons upwards."""
    ax = new_axes(ax)
    ticks, neurons = np.asarray(tick), np.asarray(neuron)
    size = float(np.clip(4000 / max(len(ticks), 1), 0.8, 12.0))
    ax.scatter(ticks, neurons, s=size, color=colour, linewidths=0, rasterized=True)
    ax.margins(x=0.01, y=0.02)
    return tidy(ax, title=title, x="tick", y="neuron")


def plot_rates(
    tick: ArrayLike,
    neuron: ArrayLike,
    populations: Mapping[str, range | ArrayLike],
    ax: "Axes | None" = None,
    *,
    window: int = 20,
    title: str = "Population rates",
) -> "Axes":
    """Share of each population's neurons that fire in a tick, averaged over ``window`` ticks; a line for each.

    A population is a range of neurons, or a list of them.
    """
    ax = new_axes(ax)
    ticks, neurons = np.asarray(tick, int), np.asarray(neuron, int)
    length = int(ticks.max(initial=0)) + 1
    box = np.ones(min(window, length))
    heard = np.convolve(np.ones(length), box, mode="same")
    for colour, (name, members) in zip(cycle(CYCLE), populations.items(), strict=False):
        chosen = np.asarray(members, int)
        share = np.bincount(ticks[np.isin(neurons, chosen)], minlength=length) / max(chosen.size, 1)
        ax.plot(np.convolve(share, box, mode="same") / heard * 100, color=colour, linewidth=1.5, label=name)
    ax.legend(frameon=False, fontsize=9, ncols=4, loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.1)
    ax.set_ylim(bottom=0)
    ax.margins(x=0)
    return tidy(ax, title=title, x="tick", y="firing, % a tick", grid="y")
