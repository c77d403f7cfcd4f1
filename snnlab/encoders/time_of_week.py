"""Time of week: a calendar of receptive fields."""

from typing import ClassVar

import numpy as np
from jaxtyping import Float64
from pydantic import Field

from snnlab.encoders.base import Encoder, Spikes, finite
from snnlab.encoders.fields import field_spikes
from snnlab.types import Arrays

__all__ = ["TimeOfWeek"]

WEEK = 604_800.0


class TimeOfWeek(Encoder):
    """Seconds since Monday 00:00 UTC on a circle of Gaussian fields: Sunday night and Monday morning are neighbours.

    Field j stands at j / ``fields`` of the week. Any number of seconds will do, the whole weeks are taken off; the
    ``week`` aggregate gives them. It learns nothing, and knows no time zones: in a zone with summer time the week
    moves by an hour.

    Args:
        fields: number of neurons; 56 makes one each three hours.
        active: neurons that fire at one time.
        overlap: standard deviation of a field, in distances between centres.

    Source: Bohte, La Poutré and Kok, 2002, on a circle.

    >>> TimeOfWeek(fields=7).encode(np.array([0.0, 86400.0, 604799.0]), {}).symbol.tolist()
    [0, 1, 0]
    """

    kind: ClassVar[str] = "time_of_week"

    fields: int = Field(default=56, ge=3, le=10_080)
    active: int = Field(default=2, ge=1, le=3)
    overlap: float = Field(default=0.75, gt=0, allow_inf_nan=False)

    @property
    def width(self) -> int:
        """One neuron a field."""
        return self.fields

    def fresh(self) -> Arrays:
        """Nothing is learnt."""
        return {}

    def encode(
        self, values: Float64[np.ndarray, " n"], learnt: Arrays, *, learn: bool = True, ticks: int = 1
    ) -> Spikes:
        """Spikes of ``n`` times, ``active`` each. Raises EventError on a value that is not finite."""
        del learnt, learn
        place = np.mod(finite(values), WEEK) / WEEK
        return Spikes(*field_spikes(place, self.fields, self.active, self.overlap, ticks, circular=True))
