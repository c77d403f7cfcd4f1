"""Population code: a value as the few neurons whose Gaussian receptive fields it falls into."""

from typing import ClassVar

import numpy as np
from jaxtyping import Float64
from pydantic import Field

from snnlab.encoders.base import Encoder, Spikes, finite
from snnlab.encoders.fields import field_spikes
from snnlab.encoders.standing import fresh_range, standings
from snnlab.types import Arrays

__all__ = ["Population"]


class Population(Encoder):
    """Gaussian receptive fields over the range that the value has shown so far.

    The value's standing u in 0..1 (0.5 at the running centre, asinh-squashed to ``reach`` standard deviations) lies
    among ``fields`` centres j / (fields - 1); the ``active`` nearest neurons fire, the nearest first. With more than
    one tick, a neuron that fits less fires later. It loses what lies beyond ``reach``, and small motion on a strong
    drift (use the ``change`` aggregate there).

    Args:
        fields: number of neurons.
        active: neurons that fire for one value; fewer at the ends of the range.
        overlap: standard deviation of a field, in distances between centres.
        reach: standard deviations at which the outermost fields stand.
        horizon: values over which the range is remembered.
        resolution: variation below this part of the value's size is noise.

    Source: Bohte, La Poutré and Kok, Error-backpropagation in temporally encoded networks of spiking neurons, 2002.

    >>> code = Population(fields=9, active=3)
    >>> learnt = code.fresh()
    >>> code.encode(np.array([10.0, 12.0, 11.0, 900.0]), learnt).symbol.tolist()
    [4, 6, 4, 7]
    """

    kind: ClassVar[str] = "population"

    fields: int = Field(default=16, ge=2, le=4096)
    active: int = Field(default=3, ge=1, le=64)
    overlap: float = Field(default=0.75, gt=0, allow_inf_nan=False)
    reach: float = Field(default=8.0, gt=0, allow_inf_nan=False)
    horizon: int = Field(default=5000, ge=1)
    resolution: float = Field(default=1e-6, ge=0, allow_inf_nan=False)

    @property
    def width(self) -> int:
        """One neuron a field."""
        return self.fields

    def fresh(self) -> Arrays:
        """``range`` [3]: values seen, centre, spread."""
        return {"range": fresh_range()}

    def encode(
        self, values: Float64[np.ndarray, " n"], learnt: Arrays, *, learn: bool = True, ticks: int = 1
    ) -> Spikes:
        """Spikes of ``n`` values, at most ``active`` each. Raises EventError on a value that is not finite."""
        u = standings(finite(values), learnt["range"], self.reach, float(self.horizon), self.resolution, learn)
        return Spikes(*field_spikes(u, self.fields, self.active, self.overlap, ticks, circular=False))
