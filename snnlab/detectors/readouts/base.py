"""What every readout is: it looks at an event's features, codes and spikes, and says how surprising each column is.

A readout binds itself and its arrays to a named tuple of its own type; :func:`surprises` is its compiled kernel, which
each readout overloads by that type, so that a detector's one compiled pass holds any mixture of them.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from jaxtyping import Float64, Int32, Int64, UInt8
from numba import njit
from pydantic import BaseModel, ConfigDict, Field

from snnlab.types import Arrays

__all__ = ["Inputs", "Pool", "Readout", "Shape", "surprises"]

Pool = Literal["max", "mean", "sum"]
"""How the columns of one readout become one value: the strongest, the average, or the sum."""
_NONE = np.zeros(0, np.uint8)


@dataclass(frozen=True)
class Shape:
    """How much a readout has before it: numeric features, category features, output neurons, reservoir neurons."""

    numbers: int
    categories: int
    prototypes: int
    neurons: int
    symbols: tuple[int, ...]
    together: bool = False
    """Whether the events of a tick are one input to the shard's one network."""

    @property
    def columns(self) -> int:
        """Numeric and category features together."""
        return self.numbers + self.categories


class Inputs(NamedTuple):
    """Everything that is known of ``n`` events before the readouts: all of it causal.

    ``rows`` is the state row of each event's entity and ``entities`` the entity's own 31-bit hash; ``seconds`` is its
    time; ``codes`` are the symbols that the encoders gave each column; ``spike_start`` and ``spikes`` list the
    reservoir neurons that fired for each event. Where events come together in ticks, ``ran`` marks those before which
    a tick of the shard's network was run, and the spikes of such an event are that tick's.
    """

    rows: Int32[np.ndarray, " n"]
    entities: Int32[np.ndarray, " n"]
    seconds: Float64[np.ndarray, " n"]
    numbers: Float64[np.ndarray, "n p"]
    categories: Int32[np.ndarray, "n c"]
    codes: Int32[np.ndarray, "n d"]
    spike_start: Int64[np.ndarray, " n1"]
    spikes: Int32[np.ndarray, " s"]
    ran: UInt8[np.ndarray, " n"] = _NONE


class Readout(BaseModel):
    """A frozen readout. What it has learnt, and what it remembers of each entity, are arrays beside it.

    ``surprise`` takes events in order, scores each with what was known before it, and then (``learn``) learns it:
    a stream scored whole or in pieces gives the same surprises. Higher is more surprising.

    ``weight`` is how much this readout's calibrated evidence counts beside the others, ``voice`` how loud its alarm
    neuron is (0 is mute, unless all are: then each speaks by its weight); ``pool`` joins its columns;
    ``smoothing`` is the leak of the pooled evidence, 1 for none; ``habituation`` and ``recovery`` (in events) tell
    how its alarm neuron tires and rests.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ClassVar[str]
    episode: ClassVar[dict[str, float]] = {}
    """What of ``remembered`` belongs to one stream only, and what it is when another begins."""

    weight: float = Field(default=1.0, gt=0)
    voice: float = Field(default=0.0, ge=0)
    pool: Pool = "max"
    smoothing: float = Field(default=1.0, gt=0, le=1)
    calibrated: bool = True
    habituation: float = Field(default=1.0, ge=0)
    recovery: float = Field(default=2000.0, gt=0)

    @abstractmethod
    def columns(self, shape: Shape) -> tuple[int, ...]:
        """The feature that each column of the evidence speaks of."""

    @abstractmethod
    def fresh(self, shape: Shape) -> Arrays:
        """What a readout that has seen nothing has learnt: shared by all entities of a shard."""

    def remembered(self, shape: Shape, capacity: int) -> Arrays:
        """What it remembers of each entity, a row each; nothing unless a readout says otherwise."""
        del shape, capacity
        return {}

    def between(self, shape: Shape) -> Arrays:
        """What it remembers of the shard from tick to tick, where events come together; nothing unless it says so."""
        del shape
        return {}

    @abstractmethod
    def bind(self, learnt: Arrays, memory: Arrays) -> Any:
        """Its settings and arrays as its kernel reads them."""

    def surprise(self, inputs: Inputs, learnt: Arrays, memory: Arrays, *, learn: bool) -> Float64[np.ndarray, "n d"]:
        """Evidence of ``n`` events in order, a column for each of ``columns``; updates ``learnt`` and ``memory``."""
        shape = Shape(inputs.numbers.shape[1], inputs.categories.shape[1], 0, 0, (0,) * inputs.codes.shape[1])
        evidence = np.zeros((len(inputs.rows), len(self.columns(shape))))
        _surprises(self.bind(learnt, memory), inputs, learn, evidence)
        return evidence

    def teach(self, inputs: Inputs, learnt: Arrays, *, normal: bool) -> None:
        """Learn from the label of one remembered event; nothing unless a readout says otherwise."""
        del inputs, learnt, normal


def surprises(bound, inputs, learn, out):  # type: ignore[no-untyped-def]
    """Fill ``out`` [n, d], which holds zeros, with the evidence of ``n`` events; a readout overloads it by its type."""
    raise NotImplementedError


@njit(cache=True, nogil=True)
def _surprises(bound, inputs, learn, out):  # type: ignore[no-untyped-def]
    surprises(bound, inputs, learn, out)  # type: ignore[no-untyped-call]
