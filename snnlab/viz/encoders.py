"""Codes: the spikes that values become, and how strongly each input neuron answers to each value."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float64

from snnlab.encoders.base import Encoder, Spikes
from snnlab.types import Arrays
from snnlab.viz.style import HEAT, new_axes, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_code", "plot_tuning", "tuning"]


def tuning(
    encoder: Encoder, learnt: Arrays, values: Float64[np.ndarray, " n"], ticks: int = 10
) -> Float64[np.ndarray, "n i"]:
    """Answer of each input neuron to each value: its spikes, an earlier one counting more (1 in the first tick).

    Each value is shown alone, from what was ``learnt``, and nothing is learnt from it.
    """
    answer = np.zeros((len(values), encoder.width))
    for row, value in enumerate(values):
        alone = {name: array.copy() for name, array in learnt.items()}
        spikes = encoder.encode(np.array([value]), alone, learn=False, ticks=ticks)
        answer[row] = _answer(spikes, encoder.width, ticks)[0]
    return answer


def plot_tuning(
    encoder: Encoder,
    learnt: Arrays,
    values: Float64[np.ndarray, " n"],
    ax: "Axes | None" = None,
    *,
    ticks: int = 10,
    name: str = "value",
    title: str = "",
) -> "Axes":
    """Values to the right, input neurons upwards, brightness the answer: bright is many spikes, or an early one."""
    ax = new_axes(ax, 8.0, 3.2)
    answer = tuning(encoder, learnt, values, ticks)
    edges = (float(values[0]), float(values[-1]), -0.5, encoder.width - 0.5)
    image = ax.imshow(answer.T, aspect="auto", origin="lower", cmap=HEAT, extent=edges, interpolation="nearest")
    bar = ax.figure.colorbar(image, ax=ax, pad=0.02)
    bar.set_label("spikes, early ones more", fontsize=9)
    bar.outline.set_visible(False)
    return tidy(ax, title=title or f"{_spoken(encoder)} code", x=name, y="input neuron")


def plot_code(
    encoder: Encoder,
    values: Float64[np.ndarray, " n"],
    ax: "Axes | None" = None,
    *,
    learnt: Arrays | None = None,
    ticks: int = 10,
    columns: int = 500,
    title: str = "",
) -> "Axes":
    """Input spikes of a run of values: values to the right, input neurons upwards, brightness the answer.

    Bright is many spikes, or an early one. The code starts from what was ``learnt``, or from nothing, and learns as it
    goes; ``learnt`` itself is not changed.
    Of more values than ``columns``, the brightest of each slice is drawn.
    """
    ax = new_axes(ax, 10.0, 1.8)
    own = {name: array.copy() for name, array in (learnt or encoder.fresh()).items()}
    answer = _answer(encoder.encode(values, own, ticks=ticks), encoder.width, ticks)
    count = len(values)
    starts = np.unique(np.linspace(0, count, min(columns, max(count, 1)), endpoint=False).astype(int))
    pooled = np.maximum.reduceat(answer, starts, axis=0) if count else answer
    edges = (0.0, float(max(count, 1)), -0.5, encoder.width - 0.5)
    ax.imshow(pooled.T, aspect="auto", origin="lower", cmap=HEAT, extent=edges, interpolation="nearest")
    ax.locator_params(axis="y", integer=True)
    return tidy(ax, title=title or f"{_spoken(encoder)} code", y="input neuron")


def _answer(spikes: Spikes, width: int, ticks: int) -> Float64[np.ndarray, "n i"]:
    """What each input neuron says of each value: its spikes, 1 in the first tick and less in later ones."""
    answer = np.zeros((len(spikes), width))
    event, place = np.nonzero(spikes.address >= 0)
    np.add.at(answer, (event, spikes.address[event, place]), 1.0 - spikes.tick[event, place] / ticks)
    return answer


def _spoken(encoder: Encoder) -> str:
    return encoder.kind.replace("_", " ")
