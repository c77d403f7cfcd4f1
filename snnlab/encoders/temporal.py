"""Temporal code: the larger the value, the earlier the first spike."""

from typing import ClassVar

import numpy as np
from jaxtyping import Float64
from numba import njit
from pydantic import Field

from snnlab.encoders.base import Encoder, Spikes, finite
from snnlab.encoders.standing import fresh_range, standings
from snnlab.kernels import inlined
from snnlab.types import Array, Arrays

__all__ = ["Temporal", "latency_spikes", "lay_latencies", "rungs_of"]


class Temporal(Encoder):
    """Time to first spike of neurons with rising thresholds, all driven by the value.

    Neuron j integrates u, the value's standing in its range (0 lowest, 1 highest), up to its threshold
    θ_j = (j + 1/2) / ``neurons``: it fires once, in tick floor(θ_j / u · ``ticks``), or not at all where u < θ_j. The
    strongest value sets off every neuron, the lowest early; in a single tick only which neurons fire tells the value.
    The symbol is the highest neuron that fires (0 where none does).

    Args:
        neurons: number of neurons.
        reach: standard deviations at which the range ends.
        horizon: values over which the range is remembered.
        resolution: variation below this part of the value's size is noise.

    Source: Thorpe, Delorme and Van Rullen, Spike-based strategies for rapid processing, 2001.

    >>> code = Temporal(neurons=4)
    >>> spikes = code.encode(np.array([10.0, 12.0]), code.fresh(), ticks=10)
    >>> spikes.address.tolist(), spikes.tick.tolist()
    ([[0, 1, -1, -1], [0, 1, 2, -1]], [[2, 7, 0, 0], [1, 5, 8, 0]])
    """

    kind: ClassVar[str] = "temporal"

    neurons: int = Field(default=8, ge=1, le=4096)
    reach: float = Field(default=8.0, gt=0, allow_inf_nan=False)
    horizon: int = Field(default=5000, ge=1)
    resolution: float = Field(default=1e-6, ge=0, allow_inf_nan=False)

    @property
    def width(self) -> int:
        """One neuron a threshold."""
        return self.neurons

    def fresh(self) -> Arrays:
        """``range`` [3]: values seen, centre, spread."""
        return {"range": fresh_range()}

    def encode(
        self, values: Float64[np.ndarray, " n"], learnt: Arrays, *, learn: bool = True, ticks: int = 1
    ) -> Spikes:
        """Spikes of ``n`` values, one a neuron at most. Raises EventError on a value that is not finite."""
        u = standings(finite(values), learnt["range"], self.reach, float(self.horizon), self.resolution, learn)
        return Spikes(*latency_spikes(u, self.neurons, ticks))


def rungs_of(code: Temporal) -> Float64[np.ndarray, " m"]:
    """Standard deviations above the centre from which each neuron of a code fires, where an event is a single tick.

    They tell who fires without the logarithm that a standing needs.

    >>> rungs_of(Temporal(neurons=4)).round(2).tolist()
    [-3.95, -0.75, 0.75, 3.95]
    """
    thresholds = (np.arange(code.neurons) + 0.5) / code.neurons
    rungs: Float64[np.ndarray, " m"] = np.sinh((thresholds - 0.5) * 2.0 * np.arcsinh(code.reach))
    return rungs


@njit(cache=True, nogil=True)
def latency_spikes(u: Array, neurons: int, ticks: int) -> tuple[Array, Array, Array]:
    """Address and tick [n, neurons], and the highest neuron that fires [n], for standings u."""
    n = u.shape[0]
    address = np.full((n, neurons), -1, dtype=np.int32)
    tick = np.zeros((n, neurons), dtype=np.int32)
    symbol = np.zeros(n, dtype=np.int32)
    for i in range(n):
        symbol[i] = lay_latencies(u[i], neurons, ticks, address, tick, i, 0)
    return address, tick, symbol


@inlined
def lay_latencies(standing, neurons, ticks, address, tick, row, seat):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - inlined
    """The spikes of one standing, from ``seat`` of a row on; returns the highest neuron that fires."""
    highest = 0
    for j in range(neurons):
        threshold = (j + 0.5) / neurons
        if standing < threshold:
            break
        address[row, seat + j] = j
        tick[row, seat + j] = min(int(threshold / standing * ticks), ticks - 1) if ticks > 1 else 0
        highest = j
    return highest
