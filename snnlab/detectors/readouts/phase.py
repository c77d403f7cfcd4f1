"""Novelty of a level at this time of day: output neurons that are gated by the daily phase.

A leaky mean of each numeric feature is compared with the levels known from the same time of day, half a bin's
neighbourhood to either side. A level becomes known only after ``delay`` events, so that a slow change is not its own
precedent. Where a time of day has never been seen there is no evidence.
"""

from typing import ClassVar, NamedTuple

import numpy as np
from numba.extending import overload
from pydantic import Field

from snnlab.detectors.readouts.base import Readout, Shape, surprises
from snnlab.detectors.readouts.sorted_values import distance_to, insert
from snnlab.kernels import OPTIONS, inlined, part
from snnlab.prefetch import ahead
from snnlab.types import Array, Arrays

__all__ = ["Phase"]

_DAY = 86_400.0
_ROOM = 2**27
"""Bytes that the levels of all features take at most."""


class Phase(Readout):
    """Distance of each leaky mean to the nearest level known at this time of day, over the range known (0 to 1).

    ``bins`` split the day; levels up to ``reach`` bins away count; ``leak`` is the mean's time constant in events.
    A bin knows up to ``neurons`` levels of a feature, or fewer where the features are so many that all would take more
    than 128 MiB. Fails where the data's cycle is not a day.
    """

    kind: ClassVar[str] = "phase"

    weight: float = Field(default=0.4, gt=0)
    voice: float = Field(default=0.4, ge=0)
    habituation: float = Field(default=4.0, ge=0)
    recovery: float = Field(default=4000.0, gt=0)
    bins: int = Field(default=96, ge=1)
    reach: int = Field(default=4, ge=0)
    delay: int = Field(default=50, ge=1)
    leak: float = Field(default=10.0, ge=1)
    grain: float = Field(default=1e-3, gt=0, lt=1)
    neurons: int = Field(default=256, ge=1)

    def columns(self, shape: Shape) -> tuple[int, ...]:
        """One column for each numeric feature."""
        return tuple(range(shape.numbers))

    def fresh(self, shape: Shape) -> Arrays:
        """Sorted levels for each bin of the day, the range of levels, and the levels not yet known."""
        neurons = max(1, min(self.neurons, _ROOM // (8 * max(shape.numbers, 1) * self.bins)))
        return {
            "preferred": np.zeros((shape.numbers, self.bins, neurons)),
            "used": np.zeros((shape.numbers, self.bins), np.int64),
            "lowest": np.full(shape.numbers, np.inf),
            "highest": np.full(shape.numbers, -np.inf),
            "waiting_level": np.zeros((shape.numbers, self.delay + 1)),
            "waiting_bin": np.full((shape.numbers, self.delay + 1), -1, np.int64),
            "events": np.zeros(shape.numbers, np.int64),
        }

    def remembered(self, shape: Shape, capacity: int) -> Arrays:
        """Each entity's leaky means, and how many events made them."""
        return {"level": np.zeros((capacity, shape.numbers)), "seen": np.zeros((capacity, shape.numbers), np.int64)}

    def bind(self, learnt: Arrays, memory: Arrays) -> "PhaseArrays":
        """See :meth:`.base.Readout.bind`."""
        return PhaseArrays(
            memory["level"], memory["seen"], learnt["preferred"], learnt["used"], learnt["lowest"], learnt["highest"],
            learnt["waiting_level"], learnt["waiting_bin"], learnt["events"], self.reach, self.leak, self.grain,
        )  # fmt: skip


class PhaseArrays(NamedTuple):
    """The readout as its kernel reads it."""

    level: Array
    seen: Array
    preferred: Array
    used: Array
    lowest: Array
    highest: Array
    waiting_level: Array
    waiting_bin: Array
    events: Array
    reach: int
    leak: float
    grain: float


@inlined
def _distance_by_day(known, used, column, size, now, phase, reach, near):  # type: ignore[no-untyped-def]
    """Distance to the nearest level of this bin or its neighbours: +1, -1, +2, -2 … until one is near enough."""
    distance = distance_to(known, column * size + phase, used[column, phase], now)
    after, before, turn = phase, phase, reach
    while turn > 0 and distance > near:  # a level that is known need not be known any better
        after = after + 1 if after + 1 < size else 0
        before = before - 1 if before > 0 else size - 1
        for place in (after, before):
            if used[column, place] > 0 and distance > near:
                distance = min(distance, distance_to(known, column * size + place, used[column, place], now))
        turn -= 1
    return distance


@inlined
def _reach(used, phase, reach):  # type: ignore[no-untyped-def]
    """How far there are bins to look at that know any level; none if only this one does."""
    columns, size = used.shape
    for turn in range(reach, 0, -1):
        for j in range(columns):
            if used[j, (phase + turn) % size] + used[j, (phase - turn) % size] > 0:
                return turn
    return 0


@part
def _by_phase(bound, inputs, learn, out):  # type: ignore[no-untyped-def]
    """Novelty of each level at its time of day."""
    level, seen, preferred, used, lowest, highest, waiting_level, waiting_bin, events, reach, leak, grain = bound
    numbers, rows, seconds = inputs.numbers, inputs.rows, inputs.seconds
    count, size = used.shape
    room = preferred.shape[2]
    levels = preferred.reshape(count * size, room)
    looked, near = -1, 0  # the bin of the event before, and how far there was anything around it
    for t in range(numbers.shape[0]):
        row = rows[t]
        ahead(level, rows, t)
        ahead(seen, rows, t)
        phase = np.int64(np.mod(seconds[t], _DAY) / _DAY * size) % size
        own, known = level[row], seen[row]
        if phase != looked:
            looked, near = phase, _reach(used, phase, reach)
        slot = events[0] % waiting_bin.shape[1] if count > 0 else 0  # of every column: they learn together
        for j in range(count):
            known[j] += 1
            own[j] += max(1.0 / leak, 1.0 / known[j]) * (numbers[t, j] - own[j])
        for j in range(count):
            now = own[j]
            low, high = min(lowest[j], now), max(highest[j], now)
            span = high - low + 1e-12
            ripe = waiting_bin[j, slot]
            if learn and ripe >= 0 and used[j, ripe] < room:
                late = waiting_level[j, slot]
                if distance_to(levels, j * size + ripe, used[j, ripe], late) > grain * span:
                    insert(levels, j * size + ripe, used[j, ripe], late)
                    used[j, ripe] += 1
                    looked, near = -1, reach
            distance = _distance_by_day(levels, used, j, size, now, phase, near, grain * span)
            if distance < np.inf:
                out[t, j] = distance / span
            if learn:
                lowest[j], highest[j] = low, high
                waiting_level[j, slot], waiting_bin[j, slot] = now, phase
                events[j] += 1


@overload(surprises, jit_options=OPTIONS)
def _overload(bound, inputs, learn, out):  # type: ignore[no-untyped-def]
    return _by_phase if getattr(bound, "instance_class", None) is PhaseArrays else None
