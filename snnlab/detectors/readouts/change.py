"""Standardised change: the step of each numeric feature, squared, over the variance of its steps.

Slow drift has small steps and does not disturb it; a disturbance that shakes many features at once adds up. The
variance is learnt from steps clipped at ``clip`` variances, so that one jump does not blind it.

Source: persistence, the simplest forecast: its squared standardised error is the strongest simple detector on server
metrics.
"""

from typing import ClassVar, NamedTuple

import numpy as np
from numba.extending import overload
from pydantic import Field

from snnlab.detectors.readouts.base import Pool, Readout, Shape, surprises
from snnlab.kernels import OPTIONS, part
from snnlab.prefetch import ahead
from snnlab.types import Array, Arrays

__all__ = ["Change"]


class Change(Readout):
    """Squared standardised step of each numeric feature since the entity's last event, at most ``ceiling``.

    Fails on anomalies that hold still.
    """

    kind: ClassVar[str] = "change"
    episode: ClassVar[dict[str, float]] = {"begun": 0}

    pool: Pool = "mean"
    smoothing: float = Field(default=0.1, gt=0, le=1)
    calibrated: bool = False
    ceiling: float = Field(default=100.0, gt=0)
    clip: float = Field(default=25.0, gt=1)
    habit: float = Field(default=1e9, ge=1)
    warmup: int = Field(default=50, ge=2)

    def columns(self, shape: Shape) -> tuple[int, ...]:
        """One column for each numeric feature."""
        return tuple(range(shape.numbers))

    def fresh(self, shape: Shape) -> Arrays:
        """Running variance of the steps, and how many made it."""
        return {"variance": np.zeros(shape.numbers), "steps": np.zeros(shape.numbers, np.int64)}

    def remembered(self, shape: Shape, capacity: int) -> Arrays:
        """Each entity's last values, and whether there are any."""
        return {"last": np.zeros((capacity, shape.numbers)), "begun": np.zeros(capacity, np.int64)}

    def bind(self, learnt: Arrays, memory: Arrays) -> "ChangeArrays":
        """See :meth:`.base.Readout.bind`."""
        return ChangeArrays(
            memory["last"], memory["begun"], learnt["variance"], learnt["steps"],
            self.ceiling, self.clip, self.habit, self.warmup,
        )  # fmt: skip


class ChangeArrays(NamedTuple):
    """The readout as its kernel reads it."""

    last: Array
    begun: Array
    variance: Array
    steps: Array
    ceiling: float
    clip: float
    habit: float
    warmup: int


@part
def _steps(bound, inputs, learn, out):  # type: ignore[no-untyped-def]
    """Squared standardised step of each feature; 0 at an entity's first event and while warming up."""
    last, begun, variance, steps, ceiling, clip, habit, warmup = bound
    values, rows = inputs.numbers, inputs.rows
    for t in range(values.shape[0]):
        row = rows[t]
        ahead(last, rows, t)
        ahead(begun, rows, t)
        first = begun[row] == 0
        begun[row] = 1
        for j in range(values.shape[1]):
            square = (values[t, j] - last[row, j]) ** 2
            last[row, j] = values[t, j]
            if first:
                continue
            if steps[j] >= warmup:
                # A feature that has never moved has no scale of its own: any move of it is at the ceiling.
                out[t, j] = (
                    min(square / variance[j], ceiling) if variance[j] > 0.0 else (ceiling if square > 0 else 0.0)
                )
            if learn:
                steps[j] += 1
                taught = square
                if steps[j] > warmup and variance[j] > 0.0:
                    taught = min(square, clip * variance[j])
                variance[j] += max(1.0 / steps[j], 1.0 / habit) * (taught - variance[j])


@overload(surprises, jit_options=OPTIONS)
def _overload(bound, inputs, learn, out):  # type: ignore[no-untyped-def]
    return _steps if getattr(bound, "instance_class", None) is ChangeArrays else None
