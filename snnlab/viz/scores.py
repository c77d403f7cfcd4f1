"""Scores over time beside the truth, and the precision-recall curve."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from snnlab.evaluation.metrics import average_precision, precision_recall_curve, segments
from snnlab.viz.style import BLUE, CYCLE, GREY, ORANGE, RED, new_axes, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_precision_recall", "plot_scores"]


def plot_scores(
    score: ArrayLike,
    ax: "Axes | None" = None,
    *,
    timestamps: ArrayLike | None = None,
    label: ArrayLike | None = None,
    windows: Sequence[tuple[int, int]] | None = None,
    threshold: float | None = None,
    limit: float | None = None,
    title: str = "Anomaly score",
) -> "Axes":
    """Scores as a line, true anomalies shaded, the threshold dashed, and every event above it marked.

    ``timestamps`` in µs give a time axis, else events are counted. The truth is ``windows`` as (first row, last row),
    or the runs of ``label``. What is above ``limit`` is drawn at it, so that one giant does not flatten the rest.
    """
    from matplotlib.colors import to_rgb

    ax = new_axes(ax, 10.0, 2.8)
    values = np.minimum(np.asarray(score, float), np.inf if limit is None else limit)
    x = np.arange(len(values)) if timestamps is None else np.asarray(timestamps, "int64").astype("datetime64[us]")
    truth = windows if windows is not None else [] if label is None else segments(label).tolist()
    for number, (first, last) in enumerate(truth):
        # A run of one event would be too thin to see.
        right = x[min(last + 1, len(x) - 1)]
        name = "true anomaly" if number == 0 else None
        ax.axvspan(x[first], right, facecolor=(*to_rgb(ORANGE), 0.35), linewidth=0.8, edgecolor=ORANGE, label=name)
    ax.plot(x, values, color=BLUE, linewidth=0.8)
    if threshold is not None:
        ax.axhline(threshold, color=GREY, linestyle="--", linewidth=1, label=f"threshold {threshold:g}")
        over = values >= threshold
        ax.scatter(x[over], values[over], s=12, color=RED, zorder=3, linewidths=0, label="flagged")
    if truth or threshold is not None:
        ax.legend(frameon=False, fontsize=9, ncols=3, loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.1)
    ax.margins(x=0)
    ax.set_ylim(bottom=min(0.0, float(np.nanmin(values, initial=0.0))))
    return tidy(ax, title=title, x="event" if timestamps is None else "", y="score")


def plot_precision_recall(
    scores: ArrayLike | Mapping[str, ArrayLike], label: ArrayLike, ax: "Axes | None" = None, *, title: str = ""
) -> "Axes":
    """Precision against recall, a line for each score named with its average precision."""
    ax = new_axes(ax, 5.0, 4.0)
    named = scores if isinstance(scores, Mapping) else {"score": scores}
    for colour, (name, score) in zip(CYCLE * (len(named) // len(CYCLE) + 1), named.items(), strict=False):
        precision, recall, _ = precision_recall_curve(score, label)
        text = f"{name} (AP {average_precision(score, label):.2f})"
        ax.step(np.r_[0, recall], np.r_[precision[:1], precision], where="pre", color=colour, linewidth=1.6, label=text)
    base = float(np.mean(np.asarray(label)))
    ax.axhline(base, color=GREY, linestyle=":", linewidth=1, label=f"flag everything ({base:.2f})")
    ax.set_xlim(0, 1.0)
    ax.set_ylim(0, 1.03)
    ax.legend(frameon=False, fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)
    return tidy(ax, title=title or "Precision and recall", x="recall", y="precision", grid="y")
