"""Figures of a benchmark as bars: how many times better than the peer that was measured beside them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from snnlab.evaluation.figures import Figure
from snnlab.viz.style import BLUE, GREY, INK, ORANGE, new_axes, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_ratios"]


def plot_ratios(figures: Sequence[Figure], ax: "Axes | None" = None, *, title: str = "") -> "Axes":
    """A bar for each figure that has a peer, from the line of "as good" to its ratio, on a logarithmic axis.

    To the right of the line, in blue, it is better than its peer; to the left, in orange, worse. Value, ratio and peer
    are told beside it.
    """
    shown = [figure for figure in figures if figure.ratio is not None and 0 < figure.ratio < float("inf")]
    ax = new_axes(ax, 10.0, 1.0 + 0.34 * max(len(shown), 1))
    ratios, places = np.array([float(figure.ratio or 1.0) for figure in shown]), np.arange(len(shown))
    colours = [BLUE if ratio >= 1.0 else ORANGE for ratio in ratios]
    ax.barh(places, ratios - 1.0, 0.68, left=1.0, color=colours)
    for place, (figure, ratio) in enumerate(zip(shown, ratios, strict=True)):
        text = f"{ratio:.3g} x {figure.peer}   ({_told(figure.value)} {figure.unit}, {_told(figure.peer_value)})"
        end = (max(float(ratio), 1.0), place)
        ax.annotate(text, end, (5, 0), textcoords="offset points", va="center", fontsize=8.5, color=INK)
    ax.axvline(1.0, color=GREY, linewidth=1.0)
    ax.set_xscale("log")
    # room for the words beside the bars, in decades
    ax.set_xlim(min([0.5, *ratios]) / 1.5, max([10.0, *ratios]) ** 1.6 * 10)
    ax.set_yticks(places, [figure.id for figure in shown])
    ax.invert_yaxis()
    tidy(ax, title=title, x="times better than the peer", grid="x")
    ax.tick_params(axis="y", length=0)
    ax.tick_params(which="minor", length=0)
    ax.spines["left"].set_visible(False)
    return ax


def _told(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
