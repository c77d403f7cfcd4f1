"""The leases of a worker's shards, renewed on a thread of their own: no event waits for a store that is slow."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

from snnlab.serving.keeper import Held
from snnlab.stores import Lease, Store

__all__ = ["Renewal"]

_DUE, _LATE = 1 / 3, 2 / 3  # of the time for which a lease is held


class Renewal:
    """Renews leases for ``hold_s`` seconds at a time, each when a third of its time is over.

    Only when two thirds are over does the worker wait for the answer: one that slept for long, or whose store is away.
    """

    def __init__(self, store: Store, hold_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._hold_s = hold_s
        self._clock = clock
        self._asked: dict[int, _Asked] = {}
        self._thread: ThreadPoolExecutor | None = None

    def holds(self, held: Held, *, wait: bool = False) -> bool:
        """Whether a shard is still its worker's, for all that is known; raises what renewing its lease raised.

        With ``wait`` a renewal that is under way is waited for, and none begun.
        """
        now, asked = self._clock(), self._asked.get(held.shard)
        age = now - held.renewed_at
        if asked is None or asked.held is not held:  # asked for one that was let go since
            if wait or age <= _DUE * self._hold_s:
                return True
            asked = self._asked[held.shard] = _Asked(held, now, self._begin(held))
        if not (wait or age > _LATE * self._hold_s or asked.answer.done()):
            return True
        del self._asked[held.shard]
        lease = asked.answer.result()
        if lease is None:
            return False
        held.lease, held.renewed_at = lease, asked.at
        return True

    def forget(self) -> None:
        """Let go of what was asked."""
        self._asked.clear()

    def close(self) -> None:
        """Wait for what is under way, and end the thread; the next renewal begins another."""
        self.forget()
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None

    def _begin(self, held: Held) -> "Future[Lease | None]":
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="snnlab-leases")
        return self._thread.submit(partial(self._store.renew, held.lease, hold_s=self._hold_s))


class _Asked(NamedTuple):
    held: Held
    at: float
    answer: "Future[Lease | None]"
