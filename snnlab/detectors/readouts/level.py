"""Standardised level: a leaky integrator of each numeric feature against what it has been before.

The integrator's output e is compared with its own running mean and deviation; the evidence is |e - mean| / deviation.
Learning is gated: a level more than ``gate`` deviations away teaches only ``absorb`` of what an ordinary one does, so
that a long anomaly is not taken for the new normal.

Source: the largest smoothed absolute z-score, the strongest simple detector on sensor streams, with Welford's running
moments (Technometrics 4, 1962).
"""

from typing import ClassVar, NamedTuple

import numpy as np
from numba.extending import overload
from pydantic import Field

from snnlab.detectors.readouts.base import Readout, Shape, surprises
from snnlab.kernels import OPTIONS, part
from snnlab.prefetch import ahead
from snnlab.types import Array, Arrays

__all__ = ["Level"]


class Level(Readout):
    """Deviations of each smoothed numeric feature from its own past (in standard deviations).

    ``leak`` is the integrator's rate an event (1 for none). ``habit`` is the memory of the moments in events;
    ``floor`` is added to the deviation, for features that are nearly always the same.
    Fails where the level drifts without being abnormal.
    """

    kind: ClassVar[str] = "level"

    calibrated: bool = False
    leak: float = Field(default=0.1, gt=0, le=1)
    floor: float = Field(default=0.0, ge=0)
    gate: float = Field(default=4.0, gt=0)
    absorb: float = Field(default=0.0, ge=0, le=1)
    habit: float = Field(default=1e9, ge=1)
    warmup: int = Field(default=50, ge=2)

    def columns(self, shape: Shape) -> tuple[int, ...]:
        """One column for each numeric feature."""
        return tuple(range(shape.numbers))

    def fresh(self, shape: Shape) -> Arrays:
        """Running mean and variance of each integrator, and the weight of events behind them."""
        return {
            "mean": np.zeros(shape.numbers),
            "variance": np.zeros(shape.numbers),
            "taught": np.zeros(shape.numbers),
        }

    def remembered(self, shape: Shape, capacity: int) -> Arrays:
        """Each entity's integrators, and whether they have begun."""
        return {"level": np.zeros((capacity, shape.numbers)), "begun": np.zeros(capacity, np.int64)}

    def bind(self, learnt: Arrays, memory: Arrays) -> "LevelArrays":
        """See :meth:`.base.Readout.bind`."""
        return LevelArrays(
            memory["level"], memory["begun"], learnt["mean"], learnt["variance"], learnt["taught"],
            self.leak, self.floor, self.gate, self.absorb, self.habit, self.warmup,
        )  # fmt: skip


class LevelArrays(NamedTuple):
    """The readout as its kernel reads it."""

    level: Array
    begun: Array
    mean: Array
    variance: Array
    taught: Array
    leak: float
    floor: float
    gate: float
    absorb: float
    habit: float
    warmup: int


@part
def _standardise(bound, inputs, learn, out):  # type: ignore[no-untyped-def]
    """Absolute standardised level of each feature; 0 while warming up."""
    level, begun, mean, variance, taught, leak, floor, gate, absorb, habit, warmup = bound
    values, rows = inputs.numbers, inputs.rows
    for t in range(values.shape[0]):
        row = rows[t]
        ahead(level, rows, t)
        ahead(begun, rows, t)
        rate = leak if begun[row] else 1.0
        begun[row] = 1
        for j in range(values.shape[1]):
            level[row, j] += rate * (values[t, j] - level[row, j])
            away = level[row, j] - mean[j]
            z = 0.0
            if taught[j] >= warmup:
                z = abs(away) / (np.sqrt(variance[j]) + floor + 1e-9 * (1.0 + abs(mean[j])))
            out[t, j] = z
            if learn:
                share = 1.0 if z <= gate or taught[j] < 2 * warmup else absorb
                if share > 0.0:
                    taught[j] += share
                    step = share * max(1.0 / taught[j], 1.0 / habit)
                    step = min(step, 1.0)
                    mean[j] += step * away
                    variance[j] += step * (away * (level[row, j] - mean[j]) - variance[j])


@overload(surprises, jit_options=OPTIONS)
def _overload(bound, inputs, learn, out):  # type: ignore[no-untyped-def]
    return _standardise if getattr(bound, "instance_class", None) is LevelArrays else None
