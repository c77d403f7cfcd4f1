"""Novelty of a level at this time of day: output neurons that are gated by the daily phase.

A leaky mean of each numeric feature is compared with the levels known from the same time of day, half a bin's
neighbourhood to either side. A level becomes known only after ``delay`` events, so that a slow change is not its own
precedent. Where a time of day has never been seen there is no evidence.
"""

from typing import ClassVar

import numba
import numpy as np
from jaxtyping import Float64
from pydantic import Field

from snnlab.detectors.readouts.base import Inputs, Readout, Shape
from snnlab.types import Array, Arrays

__all__ = ["Phase"]

_DAY = 86_400.0


class Phase(Readout):
    """Distance of each leaky mean to the nearest level known at this time of day, over the range known (0 to 1).

    ``bins`` split the day; levels up to ``reach`` bins away count; ``leak`` is the mean's time constant in events.
    Fails where the data's cycle is not a day.
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
        return {
            "preferred": np.zeros((shape.numbers, self.bins, self.neurons)),
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

    def surprise(self, inputs: Inputs, learnt: Arrays, memory: Arrays, *, learn: bool) -> Float64[np.ndarray, "n d"]:
        """Novelty of each level at its time of day."""
        evidence = np.zeros_like(inputs.numbers)
        bins = (np.mod(inputs.seconds, _DAY) / _DAY * self.bins).astype(np.int64) % self.bins
        _columns(
            inputs.numbers, bins, inputs.rows, (memory["level"], memory["seen"]),
            (learnt["preferred"], learnt["used"], learnt["lowest"], learnt["highest"]),
            (learnt["waiting_level"], learnt["waiting_bin"], learnt["events"]),
            (self.reach, self.leak, self.grain), learn, evidence,
        )  # fmt: skip
        return evidence


@numba.njit(cache=True, nogil=True)
def _nearest(preferred: Array, count: int, value: float) -> float:
    place = np.searchsorted(preferred[:count], value)
    distance = np.inf
    if place < count:
        distance = preferred[place] - value
    if place > 0:
        distance = min(distance, value - preferred[place - 1])
    return distance


@numba.njit(cache=True, nogil=True)
def _insert(preferred: Array, used: Array, phase: int, value: float) -> None:
    place = np.searchsorted(preferred[phase, : used[phase]], value)
    for j in range(used[phase], place, -1):
        preferred[phase, j] = preferred[phase, j - 1]
    preferred[phase, place] = value
    used[phase] += 1


@numba.njit(cache=True, nogil=True)
def _phase_novelty(  # type: ignore[no-untyped-def]
    values, bins, rows, level, seen, preferred, used, lowest, highest, waiting_level, waiting_bin, events,
    reach, leak, grain, learn, out,
):  # fmt: skip
    size = used.size
    for t in range(values.size):
        row = rows[t]
        seen[row] += 1
        level[row] += max(1.0 / leak, 1.0 / seen[row]) * (values[t] - level[row])
        now = level[row]
        low, high = min(lowest[0], now), max(highest[0], now)
        span = high - low + 1e-12
        slot = events[0] % waiting_bin.size
        ripe = waiting_bin[slot]
        if learn and ripe >= 0:
            far = _nearest(preferred[ripe], used[ripe], waiting_level[slot])
            if far > grain * span and used[ripe] < preferred.shape[1]:
                _insert(preferred, used, ripe, waiting_level[slot])
        distance = np.inf
        near = grain * span
        for step in range(2 * reach + 1):  # this bin, then its neighbours: +1, -1, +2, -2 …
            phase = (bins[t] + (step + 1) // 2 * (1 if step % 2 else -1)) % size
            distance = min(distance, _nearest(preferred[phase], used[phase], now))
            if distance <= near:
                break  # known; how well does not matter
        if distance < np.inf:
            out[t] = distance / span
        if learn:
            lowest[0], highest[0] = low, high
            waiting_level[slot], waiting_bin[slot] = now, bins[t]
            events[0] += 1


@numba.njit(cache=True, nogil=True)
def _columns(numbers, bins, rows, memory, known, waiting, settings, learn, out):  # type: ignore[no-untyped-def]
    level, seen = memory
    preferred, used, lowest, highest = known
    waiting_level, waiting_bin, events = waiting
    reach, leak, grain = settings
    for j in range(numbers.shape[1]):
        one = slice(j, j + 1)
        _phase_novelty(
            numbers[:, j], bins, rows, level[:, j], seen[:, j], preferred[j], used[j], lowest[one], highest[one],
            waiting_level[j], waiting_bin[j], events[one], reach, leak, grain, learn, out[:, j],
        )  # fmt: skip
