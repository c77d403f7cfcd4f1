"""What every encoder is: values in, spike addresses out, ranges adapted without looking ahead."""

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float64, Int32
from pydantic import BaseModel, ConfigDict

from snnlab.errors import EventError
from snnlab.types import Arrays, Json

__all__ = ["Encoder", "Spikes", "finite"]

_FEW = 16


@dataclass(frozen=True)
class Spikes:
    """Input spikes of ``n`` events, at most ``m`` an event.

    ``address`` is the input neuron, counted from 0 within the encoder, or -1 where there is no spike;
    ``tick`` is the tick within the event's own ticks at which it fires (0 is the first; 0 where there is no spike);
    ``symbol`` is the event's preferred neuron, the word that a predictive readout learns to expect.
    """

    address: Int32[np.ndarray, "n m"]
    tick: Int32[np.ndarray, "n m"]
    symbol: Int32[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.symbol)


class Encoder(BaseModel):
    """A frozen code. What it has learnt about its input lives in named arrays beside it.

    Subclasses are frozen pydantic models with a ``kind`` of their own. ``encode`` takes events in order,
    encodes each with what was known before it, and then (``learn``) widens its knowledge in place:
    encoding a stream whole or in pieces gives the same spikes. A value that is not finite raises EventError
    that names its row, before anything is learnt.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ClassVar[str]

    @property
    @abstractmethod
    def width(self) -> int:
        """Input neurons that this code addresses."""

    @abstractmethod
    def fresh(self) -> Arrays:
        """The learnt arrays of an encoder that has seen nothing."""

    @abstractmethod
    def encode(
        self, values: Float64[np.ndarray, " n"], learnt: Arrays, *, learn: bool = True, ticks: int = 1
    ) -> Spikes:
        """Spikes of ``n`` values in order, within ``ticks`` ticks an event; ``learn`` updates ``learnt`` in place."""

    def to_json(self) -> Json:
        """The code as a JSON object, which ``encoder_from_json`` reads; what it has learnt is not in it."""
        fields: dict[str, Any] = self.model_dump(mode="json")
        return {"kind": type(self).kind, **fields}


def finite(values: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    """The values as a contiguous, read-only row of numbers, all of them finite.

    Raises EventError that names the first row which is not a finite number, or a shape of more than one axis.

    >>> finite(np.array([1.0, np.inf]))
    Traceback (most recent call last):
    snnlab.errors.EventError: row 1: inf is not a finite number; leave the event out or fill the value in
    """
    row = np.ascontiguousarray(values, dtype=np.float64)
    if row.ndim != 1:
        raise EventError(f"values have {row.ndim} axes; an encoder takes one feature, a value an event")
    # a few values are asked faster one by one, which is what an event on its own needs
    if len(row) > _FEW or not all(map(math.isfinite, row.tolist())):
        good = np.isfinite(row)
        if not good.all():
            bad = int(np.argmin(good))
            raise EventError(f"row {bad}: {row[bad]} is not a finite number; leave the event out or fill the value in")
    view = row.view()
    view.flags.writeable = False
    return view
