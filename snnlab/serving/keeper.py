"""Checkpoints of a worker's shards, one at a time: copied by the thread that scores, written by one of the keeper's."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from snnlab.detectors.changes import Changes
from snnlab.detectors.room import Room
from snnlab.serving.history import History
from snnlab.serving.rests import Rests
from snnlab.serving.scorer import Scorer
from snnlab.stores import Lease, Store

__all__ = ["Held", "Keeper", "Written"]

_T = TypeVar("_T")
_SPARE = 1.25  # of what changed by now: more changes until it is copied


class Held:
    """One shard in a worker's hands. What is ``kept`` is in its last checkpoint."""

    def __init__(
        self, shard: int, lease: Lease, scorer: Scorer, history: History, position: int | None, labelled: int | None
    ) -> None:
        self.shard = shard
        self.lease = lease
        self.scorer = scorer
        self.history = history
        self.position = self.kept = position
        self.labelled = self.labels_kept = labelled
        self.events = 0
        self.kept_at = self.renewed_at = time.monotonic()
        self.asked_at = self.looked_at = float("-inf")
        self.cost_s = 0.0

    @property
    def changed(self) -> bool:
        """Whether there is anything to keep."""
        return self.position is not None and (self.position, self.labelled) != (self.kept, self.labels_kept)


@dataclass(frozen=True)
class Written:
    """A checkpoint that was written, or refused where another owner has the shard: up to where, and seconds of work."""

    held: Held
    position: int
    labelled: int | None
    accepted: bool
    seconds: float


@dataclass(frozen=True)
class _Writing:
    held: Held
    position: int
    labelled: int | None
    begun: float
    rests: Rests
    done: "Future[bool]"


class Keeper:
    """Writes one checkpoint at a time, while the worker goes on, with rests unless somebody waits for its end.

    The copies lie in memory that is used again and again; it is made where the worker does not wait for it.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._room = Room()
        self._widening: Future[None] | None = None
        self._writing: _Writing | None = None
        self._thread: ThreadPoolExecutor | None = None

    @property
    def busy(self) -> bool:
        """Whether a checkpoint is being written, or has been and was not told of yet."""
        return self._writing is not None

    def begin(
        self, held: Held, marks: Mapping[str, bytes], *, after: "Future[None] | None" = None, wait: bool = False
    ) -> bool:
        """Copy what changed, and begin to write it ``after`` something has come about.

        False where there is no room for it yet, unless told to ``wait``.
        """
        if held.position is None or not (self._settled(wait=wait) and (wait or self._has_room(held.history))):
            return False
        begun, rests = time.monotonic(), Rests()
        if wait:
            rests.hurry()
        with held.scorer.resting():
            changes = held.history.take(self._room)
        done = self._submit(self._write, held, held.position, dict(marks), changes, rests, after)
        self._writing = _Writing(held, held.position, held.labelled, begun, rests, done)
        return True

    def finished(self, *, wait: bool = False) -> Written | None:
        """The checkpoint that has been written since; None where there is none. Raises what writing it raised."""
        writing = self._writing
        if writing is None or not (wait or writing.done.done()):
            return None
        self._writing = None
        writing.rests.hurry()
        accepted = writing.done.result()
        seconds = time.monotonic() - writing.begun - writing.rests.seconds
        return Written(writing.held, writing.position, writing.labelled, accepted, seconds)

    def forget(self) -> None:
        """Let go of what is being written: it may still come about, from memory that is not used again."""
        if self._writing is not None:
            self._writing.rests.hurry()
        self._writing, self._widening, self._room = None, None, Room()

    def close(self) -> None:
        """Wait for what is being written, and end the thread; the next checkpoint begins another."""
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None

    def _submit(self, job: Callable[..., _T], *given: object) -> "Future[_T]":
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="snnlab-checkpoint")
        return self._thread.submit(job, *given)

    def _write(
        self,
        held: Held,
        position: int,
        marks: Mapping[str, bytes],
        changes: Changes,
        rests: Rests,
        after: "Future[None] | None",
    ) -> bool:
        if after is not None:
            after.result()
        rests.begin()
        return held.history.write(self._store, held.lease, position, marks, changes, rests)

    def _settled(self, *, wait: bool) -> bool:
        """Whether nobody is at work on the memory."""
        if self._widening is not None and (wait or self._widening.done()):
            self._widening.result()
            self._widening = None
        return self._widening is None

    def _has_room(self, history: History) -> bool:
        """Whether the copies fit; if not, room for them is made meanwhile."""
        needed = history.nbytes
        if needed > self._room.size:
            self._widening = self._submit(self._room.widen, int(needed * _SPARE))
        return needed <= self._room.size
