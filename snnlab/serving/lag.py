"""How far the workers of a service are behind their streams, asked of the bus in the background.

A scrape is answered from what was found last, so that a bus that hangs does not hang it.
"""

import math
import time
from collections.abc import Callable, Sequence
from threading import Event, Thread

from snnlab.errors import BusError
from snnlab.logs import logger
from snnlab.serving.measures import Behind
from snnlab.serving.metrics import Metrics
from snnlab.serving.worker import Worker
from snnlab.streams import Bus

__all__ = ["LagWatch"]

_Checkpoint = tuple[str, str, int, int | None]  # model, stream, shard and position


class LagWatch:
    """Asks every ``every_s`` seconds how far each worker is, and tells ``metrics``; ``clock``: seconds since 1970."""

    def __init__(
        self,
        bus: Bus,
        workers: Callable[[], Sequence[Worker]],
        metrics: Metrics,
        *,
        every_s: float = 5.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._bus = bus
        self._workers = workers
        self._metrics = metrics
        self._every_s = every_s
        self._clock = clock
        self._unsaved: dict[_Checkpoint, float] = {}
        self._stop = Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Look in the background from now on."""
        self._stop.clear()
        self._thread = Thread(target=self._run, name="snnlab-lag", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more. A look at a bus that hangs is not waited for: it ends with the process."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(1.0)
            self._thread = None

    def look(self) -> None:
        """Look once."""
        seen = {one for worker in self._workers() for one in _outdated(worker)}
        self._unsaved = {one: self._unsaved.get(one, self._clock()) for one in seen}
        found = {(one.assignment.model_id, one.assignment.stream): self._behind(one) for one in self._workers()}
        self._metrics.behind(found)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.look()
            except Exception as error:  # noqa: BLE001 - whoever watches outlives what it did not foresee
                logger("snnlab.serving").warning("the lag is not known", exc_info=error)
            self._stop.wait(self._every_s)

    def _behind(self, worker: Worker) -> Behind:
        messages, lag_s = self._waiting(worker.assignment.model_id, worker.assignment.stream)
        now = self._clock()
        ages = [now - self._unsaved.get(one, now) for one in _outdated(worker)]
        return Behind(messages, lag_s, max([0.0, *ages]), bool(worker.failure))

    def _waiting(self, model_id: str, stream: str) -> tuple[float, float]:
        try:
            backlog = self._bus.backlog(model_id, stream)
        except BusError:  # the worker tells why; what is not known is no number
            return math.nan, math.nan
        if backlog.oldest_at is None:
            return float(backlog.messages), math.nan if backlog.messages else 0.0
        return float(backlog.messages), max(self._clock() - backlog.oldest_at / 1e6, 0.0)


def _outdated(worker: Worker) -> list[_Checkpoint]:
    """Checkpoints after which their shards have scored more events."""
    where = worker.assignment.model_id, worker.assignment.stream
    return [(*where, shard, position) for shard, position in worker.unsaved().items()]
