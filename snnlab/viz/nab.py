"""NAB scores as bars."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from snnlab.viz.style import CYCLE, INK, new_axes, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PROFILE_NAMES", "plot_nab"]

PROFILE_NAMES = {"standard": "standard", "low_fp": "low false positives", "low_fn": "low false negatives"}


def plot_nab(
    scores: Mapping[str, Mapping[str, float]], ax: "Axes | None" = None, *, title: str = "NAB score"
) -> "Axes":
    """Horizontal bars: detectors from the best standard score down, a bar for each profile, values beside them."""
    ax = new_axes(ax, 7.0, 1.2 + 0.75 * len(scores))
    order = sorted(scores, key=lambda name: scores[name].get("standard", 0.0))
    height = 0.8 / len(PROFILE_NAMES)
    for number, (profile, text) in enumerate(PROFILE_NAMES.items()):
        values = [scores[name].get(profile, 0.0) for name in order]
        places = np.arange(len(order)) + (1 - number) * height
        ax.barh(places, values, height * 0.9, color=CYCLE[number], label=text)
        for place, value in zip(places, values, strict=True):
            ax.annotate(
                f"{value:.1f}",
                (max(value, 0.0), place),
                (3, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
                color=INK,
            )
    ax.set_yticks(range(len(order)), order)
    ax.set_xlim(0, 100)
    ax.legend(
        frameon=False, fontsize=9, ncols=3, loc="lower left", bbox_to_anchor=(0.0, -0.32 if len(order) < 4 else -0.2)
    )
    tidy(ax, title=title, x="", grid="x")
    ax.tick_params(axis="y", length=0)
    return ax
