"""What every encoder is: values in, spike addresses out, ranges adapted without looking ahead."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float64, Int32
from pydantic import BaseModel, ConfigDict

from snnlab.types import Arrays

__all__ = ["Encoder", "Spikes"]


@dataclass(frozen=True)
class Spikes:
    """Input spikes of ``n`` events, at most ``m`` an event.

    ``address`` is the input neuron, counted from 0 within the encoder, or -1 where there is no spike;
    ``tick`` is the tick within the event's own ticks at which it fires (0 is the first);
    ``symbol`` is the event's preferred neuron, the word that a predictive readout learns to expect.
    """

    address: Int32[np.ndarray, "n m"]
    tick: Int32[np.ndarray, "n m"]
    symbol: Int32[np.ndarray, " n"]


class Encoder(BaseModel):
    """A frozen code. What it has learnt about its input lives in named arrays beside it.

    Subclasses are frozen pydantic models with a ``kind`` of their own. ``encode`` takes events in order,
    encodes each with what was known before it, and then (``learn``) widens its knowledge in place:
    encoding a stream whole or in pieces gives the same spikes.
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
    def encode(self, values: Float64[np.ndarray, " n"], learnt: Arrays, *, learn: bool = True, ticks: int = 1) -> Spikes:
        """Spikes of ``n`` values in order, within ``ticks`` ticks an event; updates ``learnt`` in place when ``learn``."""
