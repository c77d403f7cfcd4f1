"""Anomalies on their way out, in order, from a thread of their own: a worker scores on while a broker answers.

What waits when the thread comes round goes together: where a store or a broker has been slow for a moment, one call
carries what would have been a call a batch.
"""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import Context, copy_context
from typing import NamedTuple

from snnlab.errors import BusError
from snnlab.events.anomaly import Anomaly

__all__ = ["Batch", "Outbox"]

_MOST = 4_096  # anomalies on their way; a worker that is faster waits
_TOGETHER = 512  # from so many anomalies on no further batch joins them

_Work = Callable[[], object]


class Batch(NamedTuple):
    """Anomalies that were found together, and the context in which they were: its span, what its log lines bear."""

    anomalies: Sequence[Anomaly]
    context: Context


class _Line:
    """One run without a failure: what comes after ``wrong`` is not sent."""

    def __init__(self) -> None:
        self.wrong: BaseException | None = None
        self.waiting: deque[Batch | _Work] = deque()

    def joining(self, first: Batch) -> list[Batch]:
        """A batch and those right behind it that may go with it, taken from the waiting."""
        taken, anomalies = [first], len(first.anomalies)
        while self.waiting and anomalies < _TOGETHER and isinstance(behind := self.waiting[0], Batch):
            self.waiting.popleft()
            taken.append(behind)
            anomalies += len(behind.anomalies)
        return taken


class Outbox:
    """Sends batches of anomalies by ``send``. After a failure nothing is sent until it is made to ``forget``.

    >>> sent = []
    >>> outbox = Outbox(sent.extend)
    >>> outbox.put([Anomaly("1f", 7, "latency_spike", 0.5)])
    >>> outbox.last.result(), len(sent)
    (None, 1)
    >>> outbox.close()
    """

    def __init__(self, send: Callable[[Sequence[Batch]], None]) -> None:
        self._send = send
        self._pending: deque[tuple[Future[None], int]] = deque()
        self._anomalies = 0  # of what is pending
        self._line = _Line()
        self._thread: ThreadPoolExecutor | None = None

    @property
    def last(self) -> "Future[None] | None":
        """The latest on its way, which has come when all before it have; None where there is none."""
        return self._pending[-1][0] if self._pending else None

    def put(self, anomalies: Sequence[Anomaly]) -> None:
        """Send anomalies after those before. Raises what went wrong with one that was put before."""
        self._put(Batch(anomalies, copy_context()), len(anomalies))

    def do(self, work: _Work) -> None:
        """Have something else done on the thread, after what is on its way; raises as ``put`` does."""
        self._put(work, 0)

    def check(self) -> None:
        """Raise what went wrong with what was put."""
        while self._pending and self._pending[0][0].done():
            self._first()

    def forget(self) -> None:
        """Begin anew: what was put before and is not sent yet is not sent."""
        self._line.wrong, self._line = BusError("given up"), _Line()
        self._pending.clear()
        self._anomalies = 0

    def close(self) -> None:
        """Wait for what is on its way, and end the thread; the next batch begins another."""
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None

    def _put(self, what: Batch | _Work, anomalies: int) -> None:
        while self._pending and self._anomalies + anomalies > _MOST:
            self._first()
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="snnlab-anomalies")
        self._line.waiting.append(what)
        self._pending.append((self._thread.submit(self._next, self._line), anomalies))
        self._anomalies += anomalies

    def _first(self) -> None:
        """Wait for what was put first; raises what went wrong with it."""
        done, anomalies = self._pending.popleft()
        self._anomalies -= anomalies
        done.result()

    def _next(self, line: _Line) -> None:
        """Do what waits first, with what may go along: the turns of those that went along find nothing left to do."""
        if line.wrong is not None:
            raise line.wrong
        try:
            first = line.waiting.popleft() if line.waiting else None
            if isinstance(first, Batch):
                self._send(line.joining(first))
            elif first is not None:
                first()
        except BaseException as wrong:
            line.wrong = wrong
            raise
