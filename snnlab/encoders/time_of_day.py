"""Time of day: a clock face of receptive fields."""

from typing import ClassVar

import numpy as np
from jaxtyping import Float64
from pydantic import Field

from snnlab.encoders.base import Encoder, Spikes, finite
from snnlab.encoders.fields import field_spikes
from snnlab.types import Arrays

__all__ = ["TimeOfDay"]

DAY = 86_400.0


class TimeOfDay(Encoder):
    """Seconds since midnight UTC on a circle of Gaussian fields: 23:59 and 00:01 are neighbours.

    Field j stands at j / ``fields`` of the day. Any number of seconds will do, the whole days are taken off; the
    ``hour`` aggregate gives them. It learns nothing, and knows no time zones: in a zone with summer time the day
    moves by an hour.

    Args:
        fields: number of neurons; 24 makes one each hour.
        active: neurons that fire at one time.
        overlap: standard deviation of a field, in distances between centres.

    Source: Bohte, La Poutré and Kok, 2002, on a circle.

    >>> TimeOfDay().encode(np.array([0.0, 5400.0, 86399.0]), {}).symbol.tolist()
    [0, 2, 0]
    """

    kind: ClassVar[str] = "time_of_day"

    fields: int = Field(default=24, ge=3, le=1440)
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
        place = np.mod(finite(values), DAY) / DAY
        return Spikes(*field_spikes(place, self.fields, self.active, self.overlap, ticks, circular=True))
