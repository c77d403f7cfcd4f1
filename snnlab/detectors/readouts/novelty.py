"""Novelty of a value: how late the first of the evolving output neurons fires.

Each numeric feature has output neurons with preferred values. A value reaches each neuron with a latency that grows
with its distance, so the distance to the nearest preferred value, over the range seen so far, is the time to the
first spike: the novelty. Where no neuron fires early enough a new one is recruited at the value.

Source: the evolving output neurons of OeSNN-UAD (Maciąg et al., Neural Networks 139, 2021), without its batches and
its random thresholds: every event recruits when it is farther than ``grain`` of the range from all that is known.
"""

from typing import ClassVar

import numba
import numpy as np
from jaxtyping import Float64
from pydantic import Field

from snnlab.detectors.readouts.base import Inputs, Readout, Shape
from snnlab.types import Array, Arrays

__all__ = ["Novelty"]


class Novelty(Readout):
    """Distance of each numeric value to the nearest value known, over the range known (dimensionless, 0 to 1).

    Fails on rare but known values: what was seen once is never novel again.
    """

    kind: ClassVar[str] = "novelty"

    voice: float = Field(default=1.0, ge=0)
    grain: float = Field(default=1e-3, gt=0, lt=1)
    neurons: int = Field(default=1024, ge=2)

    def columns(self, shape: Shape) -> tuple[int, ...]:
        """One column for each numeric feature."""
        return tuple(range(shape.numbers))

    def fresh(self, shape: Shape) -> Arrays:
        """Sorted preferred values, how many there are, and the range seen."""
        return {
            "preferred": np.zeros((shape.numbers, self.neurons)),
            "used": np.zeros(shape.numbers, np.int64),
            "lowest": np.full(shape.numbers, np.inf),
            "highest": np.full(shape.numbers, -np.inf),
        }

    def surprise(self, inputs: Inputs, learnt: Arrays, memory: Arrays, *, learn: bool) -> Float64[np.ndarray, "n d"]:
        """Novelty of each value; the range includes the value itself, so it is at most 1."""
        del memory
        evidence = np.zeros_like(inputs.numbers)
        _columns(
            inputs.numbers, learnt["preferred"], learnt["used"], learnt["lowest"], learnt["highest"], self.grain, learn,
            evidence,
        )  # fmt: skip
        return evidence


@numba.njit(cache=True, nogil=True)
def _recruit(preferred: Array, used: Array, place: int, value: float) -> None:
    for j in range(used[0], place, -1):
        preferred[j] = preferred[j - 1]
    preferred[place] = value
    used[0] += 1


@numba.njit(cache=True, nogil=True)
def _novelty(values, preferred, used, lowest, highest, grain, learn, out):  # type: ignore[no-untyped-def]
    for t in range(values.size):
        value = values[t]
        low, high = min(lowest[0], value), max(highest[0], value)
        span = high - low + 1e-12
        count = used[0]
        place = np.searchsorted(preferred[:count], value)
        distance = np.inf
        if place < count:
            distance = preferred[place] - value
        if place > 0:
            distance = min(distance, value - preferred[place - 1])
        if count > 0:
            out[t] = distance / span
        if learn:
            lowest[0], highest[0] = low, high
            if distance > grain * span and count < preferred.size:
                _recruit(preferred, used, place, value)


@numba.njit(cache=True, nogil=True)
def _columns(numbers, preferred, used, lowest, highest, grain, learn, out):  # type: ignore[no-untyped-def]
    for j in range(numbers.shape[1]):
        one = slice(j, j + 1)
        _novelty(numbers[:, j], preferred[j], used[one], lowest[one], highest[one], grain, learn, out[:, j])
