"""Novelty of a value: how late the first of the evolving output neurons fires.

Each numeric feature has output neurons with preferred values. A value reaches each neuron with a latency that grows
with its distance, so the distance to the nearest preferred value, over the range seen so far, is the time to the
first spike: the novelty. Where no neuron fires early enough a new one is recruited at the value.

Source: the evolving output neurons of OeSNN-UAD (Maciąg et al., Neural Networks 139, 2021), without its batches and
its random thresholds: every event recruits when it is farther than ``grain`` of the range from all that is known.
"""

from typing import ClassVar, NamedTuple

import numpy as np
from numba.extending import overload
from pydantic import Field

from snnlab.detectors.readouts.base import Readout, Shape, surprises
from snnlab.detectors.readouts.sorted_values import distance_to, insert
from snnlab.kernels import OPTIONS, part
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

    def bind(self, learnt: Arrays, memory: Arrays) -> "NoveltyArrays":
        """See :meth:`.base.Readout.bind`."""
        del memory
        return NoveltyArrays(learnt["preferred"], learnt["used"], learnt["lowest"], learnt["highest"], self.grain)


class NoveltyArrays(NamedTuple):
    """The readout as its kernel reads it."""

    preferred: Array
    used: Array
    lowest: Array
    highest: Array
    grain: float


@part
def _novelty(bound, inputs, learn, out):  # type: ignore[no-untyped-def]
    """The range includes the value itself, so that novelty is at most 1."""
    preferred, used, lowest, highest, grain = bound
    numbers = inputs.numbers
    for t in range(numbers.shape[0]):
        # First how far each value is from what is known: no column waits for whether another recruits.
        for j in range(numbers.shape[1]):
            out[t, j] = distance_to(preferred, j, used[j], numbers[t, j])
        for j in range(numbers.shape[1]):
            value, distance, count = numbers[t, j], out[t, j], used[j]
            low, high = min(lowest[j], value), max(highest[j], value)
            span = high - low + 1e-12
            out[t, j] = distance / span if count > 0 else 0.0
            if learn:
                lowest[j], highest[j] = low, high
                if count < preferred.shape[1] and distance > grain * span:
                    insert(preferred, j, count, value)
                    used[j] += 1


@overload(surprises, jit_options=OPTIONS)
def _overload(bound, inputs, learn, out):  # type: ignore[no-untyped-def]
    return _novelty if getattr(bound, "instance_class", None) is NoveltyArrays else None
