"""Prediction from the reservoir: its neurons vote for the word that each column will show next.

Every reservoir neuron has a synapse to every word of every column's code. What fired at an entity's last event votes
for its next one: the probability of a word is the average over those neurons of how often they were followed by it.
The surprise of a column is -ln of the probability of the word that came. Only synapses of neurons that fired are read
or changed, so the work is neurons that fired times columns, never a dense product.

Source: Hebbian conditional-probability learning (Bayesian confidence propagation, Lansner & Ekeberg 1989), by events.
"""

from typing import ClassVar, NamedTuple

import numpy as np
from numba.extending import overload
from pydantic import Field

from snnlab.detectors.readouts.base import Pool, Readout, Shape, surprises
from snnlab.detectors.readouts.predictive_ticks import PredictiveTicks
from snnlab.kernels import OPTIONS, part
from snnlab.prefetch import ahead
from snnlab.types import Array, Arrays

__all__ = ["Predictive"]


class Predictive(Readout):
    """-ln probability of each column's next word, as the reservoir predicts it (nats).

    ``strength`` is the weight of a word's overall frequency, in events; ``memory`` is how many events a neuron counts
    before it halves its counts; ``votes`` bounds how many neurons of an event vote. Fails where an entity's last
    events say nothing about its next.

    Where events come together in ticks, what fired in the shard's last tick votes for the words of this one
    (:mod:`.predictive_ticks`).
    """

    kind: ClassVar[str] = "predictive"
    episode: ClassVar[dict[str, float]] = {"fired": -1}

    pool: Pool = "sum"
    strength: float = Field(default=4.0, gt=0)
    memory: int = Field(default=4096, ge=16)
    votes: int = Field(default=32, ge=1)

    def columns(self, shape: Shape) -> tuple[int, ...]:
        """One column for each code."""
        return tuple(range(len(shape.symbols)))

    def fresh(self, shape: Shape) -> Arrays:
        """Counts of (neuron, word), of each neuron's events, and of each word."""
        words = int(sum(shape.symbols))
        return {
            "synapse": np.zeros((shape.neurons, words), np.float32),
            "events": np.zeros(shape.neurons, np.float32),
            "word": np.zeros(words, np.float32),
            "first": np.concatenate([[0], np.cumsum(shape.symbols)]).astype(np.int64),
            "total": np.zeros(1),
        }

    def remembered(self, shape: Shape, capacity: int) -> Arrays:
        """Which neurons fired at each entity's last event, -1 for none."""
        return {} if shape.together else {"fired": self._silent(capacity, shape)}

    def between(self, shape: Shape) -> Arrays:
        """Which neurons fired in the last tick, the surprise of each word by them, and the words of this tick."""
        if not shape.together:
            return {}
        words = int(sum(shape.symbols))
        return {"fired": self._silent(1, shape), "surprise": np.zeros(words), "said": np.zeros(words + 1, np.float32)}

    def _silent(self, rows: int, shape: Shape) -> Array:
        return np.full((rows, self.votes), -1, np.int16 if shape.neurons < 1 << 15 else np.int32)

    def bind(self, learnt: Arrays, memory: Arrays) -> "PredictiveArrays | PredictiveTicks":
        """See :meth:`.base.Readout.bind`."""
        if "said" in memory:
            return PredictiveTicks(
                memory["fired"][0], memory["surprise"], memory["said"], learnt["synapse"], learnt["events"],
                learnt["word"], learnt["first"], learnt["total"], self.strength, self.memory,
            )  # fmt: skip
        return PredictiveArrays(
            memory["fired"], learnt["synapse"], learnt["events"], learnt["word"], learnt["first"], learnt["total"],
            self.strength, self.memory,
        )  # fmt: skip


class PredictiveArrays(NamedTuple):
    """The readout as its kernel reads it."""

    fired: Array
    synapse: Array
    events: Array
    word: Array
    first: Array
    total: Array
    strength: float
    memory: int


@part
def _vote(bound, inputs, learn, out):  # type: ignore[no-untyped-def]
    """Surprise of each column's word; by its overall frequency alone where nothing fired before."""
    fired, synapse, events, word, first, total, strength, memory = bound
    codes, rows, start, spikes = inputs.codes, inputs.rows, inputs.spike_start, inputs.spikes
    columns, seats = codes.shape[1], fired.shape[1]
    for t in range(codes.shape[0]):
        row = rows[t]
        ahead(fired, rows, t)
        voters = 0
        while voters < seats and fired[row, voters] >= 0:
            voters += 1
        for d in range(columns):
            width = first[d + 1] - first[d]
            place = first[d] + codes[t, d]
            usual = (word[place] + 0.5) / (total[0] + 0.5 * width)
            belief = 0.0
            for s in range(voters):
                i = fired[row, s]
                belief += (synapse[i, place] + strength * usual) / (events[i] + strength)
            chance = belief / voters if voters > 0 else usual
            out[t, d] = -np.log(min(chance, 1.0))
            if learn:
                word[place] += np.float32(1.0)
                for s in range(voters):
                    synapse[fired[row, s], place] += np.float32(1.0)
        if learn:
            total[0] += 1.0
            for s in range(voters):
                i = fired[row, s]
                events[i] += np.float32(1.0)
                if events[i] >= memory:
                    events[i] *= np.float32(0.5)
                    for place in range(synapse.shape[1]):
                        synapse[i, place] *= np.float32(0.5)
        count = min(start[t + 1] - start[t], seats)
        stride = max((start[t + 1] - start[t]) // seats, 1)
        for s in range(seats):
            fired[row, s] = spikes[start[t] + s * stride] if s < count else -1


@overload(surprises, jit_options=OPTIONS)
def _overload(bound, inputs, learn, out):  # type: ignore[no-untyped-def]
    return _vote if getattr(bound, "instance_class", None) is PredictiveArrays else None
