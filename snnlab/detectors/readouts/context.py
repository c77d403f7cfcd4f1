"""Surprise of a category in its context: conjunctive neurons that count what follows them.

A conjunctive neuron stands for one context (the last one or two values of this column for this entity, the columns
before it in this event, the entity itself). Its synapses count the categories seen in that context; the surprise is
-ln of the category's probability, each context backed off to the one that is less specific. The neurons live in one
table of hashed counts, so that the vocabulary is open and memory is bounded.

Source: back-off n-grams (Katz, IEEE TASSP 35, 1987) with Witten-Bell style smoothing, counted online.
"""

from typing import ClassVar, NamedTuple

import numpy as np
from numba.extending import overload
from pydantic import Field

from snnlab.detectors.readouts.base import Pool, Readout, Shape, surprises
from snnlab.kernels import OPTIONS, kernel, part
from snnlab.types import Array, Arrays

__all__ = ["Context"]

_ORDER, _PEER, _HABIT, _REPEAT = range(4)
_SPEAKERS = 4
_KNOWN = 50.0


class Context(Readout):
    """-ln probability of each category by order, by its peers in the event, by the entity's habit, by its repetition.

    Four columns for each category feature (nats). ``strength`` is the weight of the less specific context in events;
    ``slots`` (a power of two) bounds the table. ``order``, ``peers``, ``habits`` and ``repeats`` weigh the four.
    What is more surprising than ``gate`` (nats) in a context known from 50 events is not counted there, so that an
    anomaly that comes again does not become normal.
    """

    kind: ClassVar[str] = "context"
    episode: ClassVar[dict[str, float]] = {"previous": 0}

    pool: Pool = "sum"
    strength: float = Field(default=2.0, gt=0)
    slots: int = Field(default=1 << 18, ge=1 << 10)
    order: float = Field(default=1.0, ge=0)
    peers: float = Field(default=1.0, ge=0)
    habits: float = Field(default=1.0, ge=0)
    repeats: float = Field(default=1.0, ge=0)
    gate: float = Field(default=1e9, gt=0)

    def columns(self, shape: Shape) -> tuple[int, ...]:
        """Four columns for each category feature, which stand after the numeric ones."""
        return tuple(shape.numbers + c for c in range(shape.categories) for _ in range(_SPEAKERS))

    def fresh(self, shape: Shape) -> Arrays:
        """Hashed counts of (context, category) and of contexts, and the number of different categories met."""
        return {
            "pairs": np.zeros(self.slots, np.float32),
            "totals": np.zeros(self.slots, np.float32),
            "kinds": np.zeros(max(shape.categories, 1), np.int64),
            "events": np.zeros(1, np.int64),
        }

    def remembered(self, shape: Shape, capacity: int) -> Arrays:
        """Each entity's last two values of each column, and how often it has shown each value (hashed by 64)."""
        return {
            "previous": np.zeros((capacity, shape.categories, 2), np.int32),
            "shown": np.zeros((capacity, shape.categories, 64), np.uint8),
        }

    def bind(self, learnt: Arrays, memory: Arrays) -> "ContextArrays":
        """See :meth:`.base.Readout.bind`."""
        return ContextArrays(
            memory["previous"], memory["shown"], learnt["pairs"], learnt["totals"], learnt["kinds"], learnt["events"],
            self.strength, self.gate, np.array([self.order, self.peers, self.habits, self.repeats]),
        )  # fmt: skip


class ContextArrays(NamedTuple):
    """The readout as its kernel reads it; ``weights`` of order, peers, habit and repetition."""

    previous: Array
    shown: Array
    pairs: Array
    totals: Array
    kinds: Array
    events: Array
    strength: float
    gate: float
    weights: Array


@kernel
def _mix(a, b):  # type: ignore[no-untyped-def]
    z = np.uint64(a) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(b) + np.uint64(0x632BE59BD9B4E019)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@kernel
def _ask(pairs, totals, context, symbol, back, strength, gate, learn):  # type: ignore[no-untyped-def]
    """Probability of a symbol in a context, backed off to ``back``; counts it when ``learn``, unless it is gated."""
    mask = np.uint64(pairs.size - 1)
    pair, total = _mix(context, symbol) & mask, context & mask
    probability = (pairs[pair] + strength * back) / (totals[total] + strength)
    if learn and (probability >= np.exp(-gate) or totals[total] < _KNOWN):
        pairs[pair] += np.float32(1.0)
        totals[total] += np.float32(1.0)
    return min(probability, 1.0)


@kernel
def _base(pairs, totals, kinds, column, symbol, learn):  # type: ignore[no-untyped-def]
    """Probability of a symbol with no context; a symbol never met has half a count."""
    mask = np.uint64(pairs.size - 1)
    context = _mix(np.uint64(column), np.uint64(11))
    pair, total = _mix(context, symbol) & mask, context & mask
    probability = (pairs[pair] + 0.5) / (totals[total] + 0.5 * (kinds[column] + 1))
    if learn:
        if pairs[pair] == 0.0:
            kinds[column] += 1
        pairs[pair] += np.float32(1.0)
        totals[total] += np.float32(1.0)
    return min(probability, 1.0)


@part
def _count(bound, inputs, learn, out):  # type: ignore[no-untyped-def]
    """Weighted surprises of each category column, four a column."""
    previous, shown, pairs, totals, kinds, events, strength, gate, weights = bound
    categories, rows, entities = inputs.categories, inputs.rows, inputs.entities
    columns = categories.shape[1]
    for t in range(categories.shape[0]):
        row = rows[t]
        for c in range(columns):
            symbol, column = np.uint64(categories[t, c]), np.uint64(c)
            back = _base(pairs, totals, kinds, c, symbol, learn)
            one = _mix(_mix(np.uint64(previous[row, c, 0]), np.uint64(21)), column)
            two = _mix(_mix(np.uint64(previous[row, c, 1]), one), np.uint64(22))
            if weights[0] > 0.0:
                known = totals[one & np.uint64(totals.size - 1)] >= _KNOWN
                first = _ask(pairs, totals, one, symbol, back, strength, gate, learn)
                # A step that breaks a known order must not make its own rare context the precedent.
                heeded = learn and not (known and first < np.exp(-gate))
                out[t, 4 * c] = -weights[0] * np.log(_ask(pairs, totals, two, symbol, first, strength, gate, heeded))
            if weights[1] > 0.0 and c > 0:
                near = _mix(_mix(np.uint64(categories[t, c - 1]), np.uint64(23)), column)
                out[t, 4 * c + 1] = -weights[1] * np.log(_ask(pairs, totals, near, symbol, back, strength, gate, learn))
            if weights[2] > 0.0:
                habit = _mix(_mix(np.uint64(entities[t]), np.uint64(24)), column)
                out[t, 4 * c + 2] = -weights[2] * np.log(
                    _ask(pairs, totals, habit, symbol, back, strength, gate, learn)
                )
            slot = categories[t, c] & 63
            if weights[3] > 0.0:
                times = np.uint64(min(shown[row, c, slot], 3))
                again = _mix(_mix(symbol, np.uint64(25)), column)
                out[t, 4 * c + 3] = -weights[3] * np.log(_ask(pairs, totals, again, times, 0.25, strength, gate, learn))
            shown[row, c, slot] = min(shown[row, c, slot] + 1, 255)
            previous[row, c, 1] = previous[row, c, 0]
            previous[row, c, 0] = categories[t, c]
    if learn:
        events[0] += categories.shape[0]


@overload(surprises, jit_options=OPTIONS)
def _overload(bound, inputs, learn, out):  # type: ignore[no-untyped-def]
    return _count if getattr(bound, "instance_class", None) is ContextArrays else None
