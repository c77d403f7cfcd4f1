"""Replay a stream onto the bus."""

from collections.abc import Callable

from snnlab.datasets.labelled import LabelledStream
from snnlab.streams import connect
from snnlab.streams.replay import Replayed
from snnlab.streams.replay import replay as published

__all__ = ["replay"]


def replay(
    stream: LabelledStream,
    to: str,
    topic: str,
    *,
    speed: float | str = "max",
    shards: int = 8,
    batch: int = 1000,
    progress: Callable[[int], None] | None = None,
) -> Replayed:
    """Publish a stream to ``topic`` of the bus ``to``, which is made with ``shards`` shards if it is not there.

    ``speed`` is ``real``, a multiple such as ``10x``, or ``max``; ``progress`` is told how many more were published.
    Raises ConfigError for a URL or speed that cannot be used, BusError where the bus fails.
    """
    with connect(to) as bus:
        if topic not in {info.name for info in bus.streams()}:
            bus.create(topic, shards)
        return published(stream, bus, topic, speed=speed, batch=batch, progress=progress)
