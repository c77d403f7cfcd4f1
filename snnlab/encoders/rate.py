"""Rate code: the larger the value, the more spikes."""

from typing import ClassVar

import numpy as np
from jaxtyping import Float64
from numba import njit
from pydantic import Field

from snnlab.encoders.base import Encoder, Spikes, finite
from snnlab.encoders.standing import fresh_range, standings
from snnlab.types import Array, Arrays

__all__ = ["Rate"]


class Rate(Encoder):
    """Neurons that all fire at the rate u, the value's standing in its range (0 lowest, 1 highest), out of step.

    Neuron j starts at phase (j + 1/2) / ``neurons`` and fires in tick t when floor((t + 1) · ``peak`` · u + phase)
    passes floor(t · ``peak`` · u + phase). There is no noise: in one tick, ``peak`` · u · ``neurons`` of them fire,
    and over many ticks each fires at the rate ``peak`` · u. The symbol is the standing in ``neurons`` steps. It costs
    the most spikes of all codes, ``neurons`` · ``ticks`` at the most, and tells small moves only by the few neurons
    at the edge.

    Args:
        neurons: number of neurons.
        peak: spikes of a neuron in a tick at the top of the range.
        reach: standard deviations at which the range ends.
        horizon: values over which the range is remembered.
        resolution: variation below this part of the value's size is noise.

    Source: Adrian and Zotterman, The impulses produced by sensory nerve endings, 1926; made regular by phases.

    >>> code = Rate(neurons=4)
    >>> code.encode(np.array([10.0, 12.0]), code.fresh()).address.tolist()
    [[-1, -1, 2, 3], [-1, 1, 2, 3]]
    """

    kind: ClassVar[str] = "rate"

    neurons: int = Field(default=8, ge=1, le=4096)
    peak: float = Field(default=1.0, gt=0, le=1)
    reach: float = Field(default=8.0, gt=0, allow_inf_nan=False)
    horizon: int = Field(default=5000, ge=1)
    resolution: float = Field(default=1e-6, ge=0, allow_inf_nan=False)

    @property
    def width(self) -> int:
        """All neurons."""
        return self.neurons

    def fresh(self) -> Arrays:
        """``range`` [3]: values seen, centre, spread."""
        return {"range": fresh_range()}

    def encode(
        self, values: Float64[np.ndarray, " n"], learnt: Arrays, *, learn: bool = True, ticks: int = 1
    ) -> Spikes:
        """Spikes of ``n`` values in ``neurons`` · ``ticks`` places, tick by tick. Raises EventError on NaN."""
        u = standings(finite(values), learnt["range"], self.reach, float(self.horizon), self.resolution, learn)
        return Spikes(*_rate_spikes(u, self.neurons, self.peak, ticks))


@njit(cache=True, nogil=True)
def _rate_spikes(u: Array, neurons: int, peak: float, ticks: int) -> tuple[Array, Array, Array]:
    n = u.shape[0]
    address = np.full((n, neurons * ticks), -1, dtype=np.int32)
    tick = np.zeros((n, neurons * ticks), dtype=np.int32)
    symbol = np.empty(n, dtype=np.int32)
    for i in range(n):
        rate = peak * u[i]
        symbol[i] = min(int(u[i] * neurons), neurons - 1)
        for j in range(neurons):
            phase = (j + 0.5) / neurons
            fired = 0
            for t in range(ticks):
                due = int((t + 1) * rate + phase)
                if due > fired:
                    address[i, t * neurons + j] = j
                    tick[i, t * neurons + j] = t
                    fired = due
    return address, tick, symbol
