"""Extremes: how far out in its own tail each numeric feature lies, the most extreme one counting.

Each feature has a calibrated tail upwards and another downwards, so that a value is judged by how often the like of it
comes, whatever the feature's unit and however heavy its tails: beside a column that jumps tenfold every day, one that
never moved before is not drowned. The readout's evidence is the rarest of its columns.

Source: the smallest of many p-values (Tippett, The Methods of Statistics, 1931) over tails by peaks over a threshold
(:mod:`snnlab.detectors.tail`).
"""

from typing import ClassVar, NamedTuple

import numpy as np
from numba.extending import overload
from pydantic import Field

from snnlab.detectors.readouts.base import Readout, Shape, surprises
from snnlab.detectors.tail import fresh_tail, rarity_of
from snnlab.kernels import OPTIONS, part
from snnlab.types import Array, Arrays

__all__ = ["Extreme"]


class Extreme(Readout):
    """-log10 probability of a value as extreme as each numeric feature's, upwards or downwards.

    A tail begins at ``quantile``; of a run of values rarer than ``gate`` (-log10) each further one teaches half as
    much, down to ``absorb``. Fails where what is abnormal is no extreme of any one feature.
    """

    kind: ClassVar[str] = "extreme"

    calibrated: bool = False
    quantile: float = Field(default=0.95, gt=0.5, lt=1)
    gate: float = Field(default=2.0, gt=0)
    absorb: float = Field(default=0.005, ge=0, le=1)

    def columns(self, shape: Shape) -> tuple[int, ...]:
        """One column for each numeric feature."""
        return tuple(range(shape.numbers))

    def fresh(self, shape: Shape) -> Arrays:
        """Two tails for each feature: upwards, downwards."""
        tail = fresh_tail()
        return {name: np.tile(array, (shape.numbers, 2, 1)) for name, array in tail.items()}

    def bind(self, learnt: Arrays, memory: Arrays) -> "ExtremeArrays":
        """See :meth:`.base.Readout.bind`."""
        del memory
        return ExtremeArrays(learnt["first"], learnt["fit"], self.quantile, self.gate, self.absorb)


class ExtremeArrays(NamedTuple):
    """The readout as its kernel reads it."""

    first: Array
    fit: Array
    quantile: float
    gate: float
    absorb: float


@part
def _extremes(bound, inputs, learn, out):  # type: ignore[no-untyped-def]
    """Rarity of each value in the rarer of its two tails."""
    first, fit, quantile, gate, absorb = bound
    numbers = inputs.numbers
    for t in range(numbers.shape[0]):
        for j in range(numbers.shape[1]):
            value = numbers[t, j]
            up = rarity_of(value, first[j, 0], fit[j, 0], quantile, gate, absorb, learn)
            down = rarity_of(-value, first[j, 1], fit[j, 1], quantile, gate, absorb, learn)
            out[t, j] = max(up, down)


@overload(surprises, jit_options=OPTIONS)
def _overload(bound, inputs, learn, out):  # type: ignore[no-untyped-def]
    return _extremes if getattr(bound, "instance_class", None) is ExtremeArrays else None
