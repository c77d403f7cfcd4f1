"""Publish recorded events again, at the speed at which they happened, a multiple of it, or as fast as possible."""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from snnlab.datasets.labelled import LabelledStream
from snnlab.errors import ConfigError
from snnlab.events import EventBatch
from snnlab.streams.base import Bus

__all__ = ["Replayed", "Source", "replay", "speed_of"]

Source = LabelledStream | EventBatch | Iterable[EventBatch]
"""What can be replayed: a labelled stream, a batch, or batches in order."""

_BEAT_S = 0.01


@dataclass(frozen=True)
class Replayed:
    """What a replay did: events published, events set aside as dead letters, and seconds it took."""

    published: int
    dead: int
    seconds: float


def speed_of(text: str) -> float:
    """How many times faster than real: "real" is 1, "10x" is 10, "max" is without waiting (infinity).

    Raises ConfigError for other texts and for speeds that are not positive.

    >>> speed_of("10x"), speed_of("real"), speed_of("max")
    (10.0, 1.0, inf)
    """
    named = {"real": 1.0, "max": math.inf}
    try:
        speed = named[text] if text in named else float(text.removesuffix("x"))
    except ValueError:
        speed = math.nan
    if not speed > 0:
        raise ConfigError(f"speed {text!r}; write real, max, or a multiple such as 10x")
    return speed


def replay(
    source: Source,
    bus: Bus,
    stream: str,
    *,
    speed: float | str = "max",
    batch: int = 1000,
    progress: Callable[[int], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Replayed:
    """Publish events in their order to a stream that exists; ``progress`` is told how many more were published.

    An event is due when as much time has passed since the start as its timestamp lies behind the first one's,
    divided by ``speed``; a late event is due with the one before it. Events due together travel together, at most
    ``batch`` in a publish call. Raises ConfigError for a speed that is none, BusError where there is no such stream.
    """
    faster = speed_of(speed) if isinstance(speed, str) else speed_of(str(speed))
    started = clock()
    published = dead = 0
    for piece in _due(_batches(source), faster, batch, clock, sleep):
        done = bus.publish(stream, piece)
        published += done.accepted
        dead += done.dead
        if progress is not None:
            progress(len(piece))
    return Replayed(published, dead, clock() - started)


def _batches(source: Source) -> Iterable[EventBatch]:
    if isinstance(source, LabelledStream):
        return [source.events]
    return [source] if isinstance(source, EventBatch) else source


def _due(
    batches: Iterable[EventBatch], speed: float, limit: int, clock: Callable[[], float], sleep: Callable[[float], None]
) -> Iterator[EventBatch]:
    """Pieces of the batches, each as soon as its events are due."""
    started = clock()
    origin: int | None = None
    latest = 0.0
    for batch in batches:
        if not len(batch):
            continue
        origin = int(batch.timestamps[0]) if origin is None else origin
        due = np.maximum.accumulate(np.maximum((batch.timestamps - origin) / 1e6 / speed, latest))
        latest = float(due[-1])
        at = 0
        while at < len(batch):
            ready = int(np.searchsorted(due, clock() - started, side="right")) if math.isfinite(speed) else len(batch)
            if ready <= at:
                sleep(max(float(due[at]) - (clock() - started), _BEAT_S))
                continue
            stop = min(ready, at + limit)
            yield batch.slice(at, stop)
            at = stop
