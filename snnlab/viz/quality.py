"""What a detector's scores are worth beside its ablations and the baselines, as bars."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from snnlab.evaluation.report import Report
from snnlab.viz.style import BLUE, GREY, INK, SKY, new_axes, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_bars", "plot_quality"]

NAMES = {
    "average_precision": "average precision",
    "roc_auc": "ROC-AUC",
    "vus_pr": "VUS-PR",
    "best_range_f1": "best range F1",
    "best_f1": "best F1",
}


def plot_bars(
    values: Mapping[str, float],
    ax: "Axes | None" = None,
    *,
    colours: Sequence[str] | None = None,
    limit: float = 1.06,
    title: str = "",
) -> "Axes":
    """A horizontal bar for each name, from the top down, with its value beside it; the first is dark unless told."""
    heights = np.nan_to_num([float(value) for value in values.values()])
    ax = new_axes(ax, 7.0, 0.8 + 0.32 * len(values))
    places = np.arange(len(heights))
    ax.barh(places, heights, 0.72, color=list(colours or [BLUE, *[GREY] * (len(values) - 1)]))
    for place, value in zip(places, heights, strict=True):
        end = (float(value), float(place))
        ax.annotate(f"{value:.2f}", end, (4, 0), textcoords="offset points", va="center", fontsize=9, color=INK)
    ax.set_yticks(places, list(values))
    ax.invert_yaxis()
    ax.set_xlim(0, limit)
    tidy(ax, title=title, grid="x")
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    return ax


def plot_quality(
    report: Report, ax: "Axes | None" = None, *, metric: str = "average_precision", title: str = ""
) -> "Axes":
    """Bars: the detector on top, its ablations in a lighter blue, the baselines in grey, best first."""
    beside = sorted(report.baselines.items(), key=lambda item: -float(getattr(item[1], metric)))
    rows = {"detector": report.quality, **report.ablations}
    colours = [BLUE, *[SKY] * len(report.ablations), *[GREY] * len(beside)]
    rows |= {name.replace("_", " "): quality for name, quality in beside}
    values = {name: float(getattr(quality, metric)) for name, quality in rows.items()}
    return plot_bars(values, ax, colours=colours, title=title or f"{report.name}: {NAMES.get(metric, metric)}")
