"""Plots that take ``ax=None`` and return Axes. Matplotlib is loaded when the first one is drawn."""

from snnlab.viz.activity import plot_rates, plot_spikes
from snnlab.viz.context import plot_context
from snnlab.viz.encoders import plot_code, plot_tuning
from snnlab.viz.evidence import plot_groups
from snnlab.viz.growth import plot_growth
from snnlab.viz.lines import plot_lines
from snnlab.viz.nab import plot_nab
from snnlab.viz.quality import plot_bars, plot_quality
from snnlab.viz.ratios import plot_ratios
from snnlab.viz.scores import plot_precision_recall, plot_scores
from snnlab.viz.times import plot_times
from snnlab.viz.types import plot_confusion
from snnlab.viz.weights import plot_weights

__all__ = [
    "plot_bars",
    "plot_code",
    "plot_confusion",
    "plot_context",
    "plot_groups",
    "plot_growth",
    "plot_lines",
    "plot_nab",
    "plot_precision_recall",
    "plot_quality",
    "plot_rates",
    "plot_ratios",
    "plot_scores",
    "plot_spikes",
    "plot_times",
    "plot_tuning",
    "plot_weights",
]
