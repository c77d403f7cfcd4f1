"""A worker as the service has it, on a bus that notes what it asks for."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from snnlab.detectors import Detector
from snnlab.events import EventBatch
from snnlab.serving.assignment import Assignment, Pace
from snnlab.serving.metrics import Metrics
from snnlab.serving.patterns import PatternMemory
from snnlab.serving.scorer import Scorer
from snnlab.serving.worker import Worker
from snnlab.stores import Store
from snnlab.streams import Bus

__all__ = ["STREAM", "Watched", "working"]

STREAM = "bench"


class Watched:
    """A bus that notes when it is asked for events, and passes every call on."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.asked: list[tuple[float, float]] = []
        self.acknowledged = 0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a bus has
        return getattr(self._bus, name)

    def commit(self, *given: Any) -> None:  # noqa: ANN401 - passed on
        """Acknowledge, as a worker does after each checkpoint."""
        self.acknowledged += 1
        self._bus.commit(*given)

    def arrived(self, *given: Any) -> list[tuple[int, EventBatch]]:  # noqa: ANN401 - passed on
        """Events, as they came to the bus."""
        self.asked.append((time.perf_counter(), time.thread_time()))
        return self._bus.arrived(*given)


@contextmanager
def working(
    bus: Any,  # noqa: ANN401 - a bus, or a watched one
    store: Store,
    body: bytes,
    shards: int,
    pace: Pace,
    model: str = "bench",
) -> Iterator[Worker]:
    """A worker on the stream of a bus; what patterns are registered is read beside it. It is stopped at the end."""
    metrics, patterns = Metrics(), PatternMemory(store)

    def load(content: bytes) -> Scorer:
        return Scorer(Detector.load(content), model, 1, metrics, patterns)

    following = patterns.follower()
    following.start()
    scoring = Worker(bus, store, Assignment(model, 1, STREAM, shards, body), load, metrics, pace)
    try:
        yield scoring
    finally:
        scoring.stop()
        following.stop()
