"""What a detector's scores are worth beside its ablations and the baselines, as bars."""

from typing import TYPE_CHECKING

import numpy as np

from snnlab.evaluation.report import Report
from snnlab.viz.style import BLUE, GREY, INK, SKY, new_axes, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_quality"]

NAMES = {
    "average_precision": "average precision",
    "roc_auc": "ROC-AUC",
    "vus_pr": "VUS-PR",
    "best_range_f1": "best range F1",
    "best_f1": "best F1",
}


def plot_quality(
    report: Report, ax: "Axes | None" = None, *, metric: str = "average_precision", title: str = ""
) -> "Axes":
    """Horizontal bars: the detector on top, its ablations in a lighter blue, the baselines in grey, best first."""
    baselines = sorted(report.baselines.items(), key=lambda item: -getattr(item[1], metric))
    rows = [("detector", report.quality, BLUE)]
    rows += [(name, quality, SKY) for name, quality in report.ablations.items()]
    rows += [(name.replace("_", " "), quality, GREY) for name, quality in baselines]
    values = np.nan_to_num([float(getattr(quality, metric)) for _, quality, _ in rows])
    ax = new_axes(ax, 7.0, 0.8 + 0.32 * len(rows))
    places = np.arange(len(rows))
    ax.barh(places, values, 0.72, color=[colour for _, _, colour in rows])
    for place, value in zip(places, values, strict=True):
        text = (float(value), float(place))
        ax.annotate(f"{value:.2f}", text, (4, 0), textcoords="offset points", va="center", fontsize=9, color=INK)
    ax.set_yticks(places, [name for name, _, _ in rows])
    ax.invert_yaxis()
    ax.set_xlim(0, 1.06)
    tidy(ax, title=title or f"{report.name}: {NAMES.get(metric, metric)}", grid="x")
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    return ax
