"""Codes: the spikes that values become, and how strongly each input neuron answers to each value."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float64

from snnlab.encoders.base import Encoder
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
        fired = spikes.address[0] >= 0
        np.add.at(answer[row], spikes.address[0][fired], 1.0 - spikes.tick[0][fired] / ticks)
    return answer


def plot_tuning(
    encoder: Encoder,
    learnt: Arrays,
    values: Float64[np.ndarray, " n"],
    ax: "Axes | None" = None,
    *,
    ticks: int = 10,
    name: str = "value",
) -> "Axes":
    """Values to the right, input neurons upwards, brightness the answer: bright is many spikes, or an early one."""
    ax = new_axes(ax, 8.0, 3.2)
    answer = tuning(encoder, learnt, values, ticks)
    edges = (float(values[0]), float(values[-1]), -0.5, encoder.width - 0.5)
    image = ax.imshow(answer.T, aspect="auto", origin="lower", cmap=HEAT, extent=edges, interpolation="nearest")
    bar = ax.figure.colorbar(image, ax=ax, pad=0.02)
    bar.set_label("spikes, early ones more", fontsize=9)
    bar.outline.set_visible(False)
    return tidy(ax, title=f"{encoder.kind} code", x=name, y="input neuron")


def plot_code(
    encoder: Encoder,
    values: Float64[np.ndarray, " n"],
    ax: "Axes | None" = None,
    *,
    learnt: Arrays | None = None,
    ticks: int = 10,
) -> "Axes":
    """Input spikes of a run of values: values to the right, input neurons upwards, early spikes dark, late ones light.

    The code starts from what was ``learnt``, or from nothing, and learns as it goes; ``learnt`` itself is not changed.
    """
    ax = new_axes(ax, 10.0, 1.8)
    own = {name: array.copy() for name, array in (learnt or encoder.fresh()).items()}
    spikes = encoder.encode(values, own, ticks=ticks)
    event, place = np.nonzero(spikes.address >= 0)
    size = float(np.clip(1500 / max(len(values), 1), 1.0, 14.0))
    when = spikes.tick[event, place]
    ax.scatter(event, spikes.address[event, place], s=size, c=when, cmap=HEAT, vmin=0, vmax=1.25 * ticks, linewidths=0)
    ax.set_xlim(0, max(len(values) - 1, 1))
    ax.set_ylim(-1, encoder.width)
    return tidy(ax, title=f"{encoder.kind} code", y="input neuron")
