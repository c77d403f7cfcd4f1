"""Recall: the features of the last events, kept for labels that come late."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, UInt32

from snnlab.detectors.readouts import Inputs, Shape
from snnlab.features.symbols import checksum_of
from snnlab.kernels import kernel
from snnlab.types import Array, Arrays

__all__ = ["Ring", "fresh_recall", "note", "place_of", "recalled", "remember", "rows_of"]

_ROOM = 2**26
"""Bytes that the features of a ring take at most."""


class Ring(NamedTuple):
    """A ring of events as its kernel reads it."""

    id: Array
    seconds: Array
    entity: Array
    numbers: Array
    categories: Array
    flagged: Array
    """Whether each was judged an anomaly."""
    kept: Array


def rows_of(shape: Shape, horizon: int) -> int:
    """How many events a ring holds: ``horizon``, or fewer where events are so wide that they would not fit 64 MiB.

    >>> rows_of(Shape(10, 2, 100, 256, ()), 131_072), rows_of(Shape(1000, 0, 100, 256, ()), 131_072)
    (131072, 8388)
    """
    return max(1, min(horizon, _ROOM // max(8 * shape.numbers + 4 * shape.categories, 1)))


def fresh_recall(shape: Shape, horizon: int) -> Arrays:
    """A ring of so many events, as far as they fit, which holds none yet."""
    horizon = rows_of(shape, horizon)
    return {
        "id": np.zeros(horizon, np.uint32),
        "seconds": np.zeros(horizon),
        "entity": np.zeros(horizon, np.int32),
        "numbers": np.zeros((horizon, shape.numbers)),
        "categories": np.zeros((horizon, shape.categories), np.int32),
        "flagged": np.zeros(horizon, np.uint8),
        "kept": np.zeros(1, np.int64),
    }


@kernel
def remember(ring: Ring, marks: UInt32[np.ndarray, " n"], inputs: Inputs) -> None:
    """Keep a batch of events by the checksums of their ids; the oldest are forgotten."""
    horizon, start = ring.id.size, ring.kept[0]
    for t in range(max(marks.size - horizon, 0), marks.size):
        place = (start + t) % horizon
        ring.id[place], ring.seconds[place], ring.entity[place] = marks[t], inputs.seconds[t], inputs.entities[t]
        for j in range(ring.numbers.shape[1]):
            ring.numbers[place, j] = inputs.numbers[t, j]
        for c in range(ring.categories.shape[1]):
            ring.categories[place, c] = inputs.categories[t, c]
    ring.kept[0] = start + marks.size


@kernel
def note(ring: Ring, score: Float64[np.ndarray, " n"], threshold: float) -> None:
    """Keep which of the events that were remembered last are anomalies."""
    horizon, start = ring.id.size, ring.kept[0] - score.size
    for t in range(max(score.size - horizon, 0), score.size):
        ring.flagged[(start + t) % horizon] = score[t] >= threshold


def place_of(ring: Arrays, event_id: str) -> int | None:
    """Where an event is kept, or None where it is forgotten; ids are told apart by their CRC-32."""
    held = min(int(ring["kept"][0]), len(ring["id"]))
    found = np.flatnonzero(ring["id"][:held] == checksum_of(event_id))
    if not len(found):
        return None
    # The ring is written round and round: of an id that came twice the younger one counts.
    return int(found[np.argmax((found - int(ring["kept"][0])) % len(ring["id"]))])


def recalled(ring: Arrays, event_id: str) -> Inputs | None:
    """The features of one event, or None where it is forgotten."""
    place = place_of(ring, event_id)
    if place is None:
        return None
    at, none = slice(place, place + 1), np.zeros((1, 0), np.int32)
    return Inputs(
        np.zeros(1, np.int32), ring["entity"][at], ring["seconds"][at], ring["numbers"][at].copy(),
        ring["categories"][at].copy(), none, np.zeros(2, np.int64), none[0],
    )  # fmt: skip
