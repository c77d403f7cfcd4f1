"""One small style: colours that colour-blind readers can tell apart, light axes, no frames."""

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["BLUE", "CYCLE", "GREEN", "GREY", "HEAT", "INK", "LIGHT", "ORANGE", "RED", "SKY", "new_axes", "tidy"]

INK, GREY, LIGHT = "#333333", "#8A8A8A", "#D9D9D9"
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY = "#56B4E9"
CYCLE = (BLUE, ORANGE, GREEN, RED, "#CC79A7", SKY, "#F0E442")
"""Okabe and Ito's palette (Color Universal Design, 2008)."""
HEAT = "cividis"
"""Even in lightness, and read alike with every kind of colour vision."""


def new_axes(ax: "Axes | None", width: float = 8.0, height: float = 3.0) -> "Axes":
    """``ax``, or the axes of a new figure of ``width`` by ``height`` inches."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    axes: Axes = plt.subplots(figsize=(width, height), layout="constrained")[1]
    return axes


def tidy(ax: "Axes", *, title: str = "", x: str = "", y: str = "", grid: Literal["x", "y"] | None = None) -> "Axes":
    """Labels, and only the lines that carry something; ``grid`` is the axis whose values get lines."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(GREY)
    ax.tick_params(colors=INK, labelsize=9, length=3, color=GREY)
    if title:
        ax.set_title(title, loc="left", fontsize=11, color=INK)
    ax.set_xlabel(x, color=INK, fontsize=10)
    ax.set_ylabel(y, color=INK, fontsize=10)
    if grid:
        ax.grid(axis=grid, color=LIGHT, linewidth=0.6)
        ax.set_axisbelow(True)
    return ax
