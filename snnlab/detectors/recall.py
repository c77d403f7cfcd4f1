"""Recall: the features of the last events, kept for labels that come late."""

from collections.abc import Sequence
from zlib import crc32

import numpy as np

from snnlab.detectors.readouts import Inputs, Shape
from snnlab.types import Arrays

__all__ = ["fresh_recall", "recalled", "remember"]

HORIZON = 4096
"""Events that a shard remembers."""


def fresh_recall(shape: Shape, horizon: int = HORIZON) -> Arrays:
    """A ring of events that holds none yet."""
    return {
        "id": np.zeros(horizon, np.uint32),
        "seconds": np.zeros(horizon),
        "entity": np.zeros(horizon, np.int32),
        "numbers": np.zeros((horizon, shape.numbers)),
        "categories": np.zeros((horizon, shape.categories), np.int32),
        "kept": np.zeros(1, np.int64),
    }


def remember(ring: Arrays, event_ids: Sequence[str], inputs: Inputs) -> None:
    """Keep a batch of events; the oldest are forgotten."""
    horizon, start = len(ring["id"]), int(ring["kept"][0])
    ring["kept"][0] += len(event_ids)
    if len(event_ids) == 1:
        place = start % horizon
        ring["id"][place] = crc32(event_ids[0].encode())
        ring["seconds"][place], ring["entity"][place] = inputs.seconds[0], inputs.entities[0]
        ring["numbers"][place], ring["categories"][place] = inputs.numbers[0], inputs.categories[0]
        return
    skip = max(len(event_ids) - horizon, 0)
    at = (start + np.arange(skip, len(event_ids))) % horizon
    ring["id"][at] = [crc32(event_id.encode()) for event_id in event_ids[skip:]]
    ring["seconds"][at] = inputs.seconds[skip:]
    ring["entity"][at] = inputs.entities[skip:]
    ring["numbers"][at] = inputs.numbers[skip:]
    ring["categories"][at] = inputs.categories[skip:]


def recalled(ring: Arrays, event_id: str) -> Inputs | None:
    """The features of one event, or None where it is forgotten; ids are told apart by their CRC-32."""
    held = min(int(ring["kept"][0]), len(ring["id"]))
    found = np.flatnonzero(ring["id"][:held] == crc32(event_id.encode()))
    if not len(found):
        return None
    # The ring is written round and round: of an id that came twice the younger one counts.
    newest = int(found[np.argmax((found - int(ring["kept"][0])) % len(ring["id"]))])
    at, none = slice(newest, newest + 1), np.zeros((1, 0), np.int32)
    return Inputs(
        np.zeros(1, np.int32), ring["entity"][at], ring["seconds"][at], ring["numbers"][at].copy(),
        ring["categories"][at].copy(), none, np.zeros(2, np.int64), none[0],
    )  # fmt: skip
