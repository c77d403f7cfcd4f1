"""Anomalies on their way out, in order, from a thread of their own: a worker scores on while a broker answers."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial

from snnlab.errors import BusError
from snnlab.events.anomaly import Anomaly

__all__ = ["Outbox"]

_MOST = 16  # batches on their way; a worker that is faster waits


class _Line:
    """One run without a failure: what comes after ``wrong`` is not sent."""

    def __init__(self) -> None:
        self.wrong: BaseException | None = None


class Outbox:
    """Sends anomalies by ``send``, batch after batch. After a failure nothing is sent until it is made to ``forget``.

    >>> sent = []
    >>> outbox = Outbox(sent.extend)
    >>> outbox.put([Anomaly("1f", 7, "latency_spike", 0.5)])
    >>> outbox.last.result(), len(sent)
    (None, 1)
    >>> outbox.close()
    """

    def __init__(self, send: Callable[[Sequence[Anomaly]], None]) -> None:
        self._send = send
        self._pending: deque[Future[None]] = deque()
        self._line = _Line()
        self._thread: ThreadPoolExecutor | None = None

    @property
    def last(self) -> "Future[None] | None":
        """The latest batch on its way, which has come when all before it have; None where there is none."""
        return self._pending[-1] if self._pending else None

    def put(self, anomalies: Sequence[Anomaly]) -> None:
        """Send anomalies after those before. Raises what went wrong with one that was put before."""
        self.do(partial(self._send, anomalies))

    def do(self, work: Callable[[], object]) -> None:
        """Have something else done on the thread, after what is on its way; raises as ``put`` does."""
        while len(self._pending) >= _MOST:
            self._pending.popleft().result()
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="snnlab-anomalies")
        self._pending.append(self._thread.submit(copy_context().run, self._done, self._line, work))

    def check(self) -> None:
        """Raise what went wrong with what was put."""
        while self._pending and self._pending[0].done():
            self._pending.popleft().result()

    def forget(self) -> None:
        """Begin anew: what was put before and is not sent yet is not sent."""
        self._line.wrong, self._line = BusError("given up"), _Line()
        self._pending.clear()

    def close(self) -> None:
        """Wait for what is on its way, and end the thread; the next batch begins another."""
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None

    def _done(self, line: _Line, work: Callable[[], object]) -> None:
        if line.wrong is not None:
            raise line.wrong
        try:
            work()
        except BaseException as wrong:
            line.wrong = wrong
            raise
