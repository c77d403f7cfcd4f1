"""The background loop that scores a stream: consume, process, publish, checkpoint, acknowledge, in this order.

The bus says which shards are this worker's; a bus that does not balance says all. A shard is owned by whoever holds its
lease, and a checkpoint is written under that lease only. What the bus delivers again, because the process ended between
a checkpoint and its acknowledgement, lies at or before the checkpoint and is skipped; what was published after the last
checkpoint is published again under the same ids. So every event counts exactly once in the state, and every anomaly is
told at least once.
"""

import os
import secrets
import socket
import time
from collections.abc import Callable
from functools import partial
from threading import Event, Thread

from snnlab.errors import ModelError, SnnlabError
from snnlab.events import EventBatch
from snnlab.serving.assignment import Assignment, Pace
from snnlab.serving.history import History, read
from snnlab.serving.journal import Journal
from snnlab.serving.keeper import Held, Keeper, Written
from snnlab.serving.labels import topic_of
from snnlab.serving.metrics import Metrics
from snnlab.serving.processing import Processing
from snnlab.serving.renewal import Renewal
from snnlab.serving.scorer import Scorer
from snnlab.serving.standing import STANDING, Standing
from snnlab.serving.teaching import LABELS_READ, Teaching
from snnlab.stores import Lease, ShardKey, Store
from snnlab.streams import Bus

__all__ = ["Worker"]

_LONGEST_PAUSE_S = 30.0
_EXPIRE_EVERY_S = 60.0
_TRIED_EVERY_S = 0.5  # a shard that another holds: each try locks the store
_ASKED_EVERY_S = 0.5  # the broker, for what it has not sent by itself
_SHORTEST_PAUSE_S = 0.002  # after a stream was busy: more is likely to come at once

_Load = Callable[[bytes], Scorer]


class Worker:
    """Scores one stream with one version of a model, on a thread of its own between ``start`` and ``stop``.

    ``step`` is one round over the shards; it may be called instead of starting the thread. A batch that cannot be
    scored goes to the dead letters with the reason, and the stream goes on. When the bus or the store fails, the
    shards are let go and taken again from their last checkpoints.
    """

    def __init__(
        self, bus: Bus, store: Store, assignment: Assignment, load: _Load, metrics: Metrics, pace: Pace | None = None
    ) -> None:
        self.assignment = assignment
        self.processed = 0
        self.failure = ""
        self._bus = bus
        self._store = store
        self._load = load
        self._pace = pace or Pace()
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._held: dict[int, Held] = {}
        self._keeper = Keeper(store)
        self._renewal = Renewal(store, self._pace.hold_s)
        self._tried_at: dict[int, float] = {}
        self._unusable: dict[int, str] = {}
        self._replaced = {shard: assignment.replaced_keys(shard) for shard in range(assignment.shards)}
        self._fresh_at = float("-inf")
        self._expired_at = -_EXPIRE_EVERY_S
        self._stop = Event()
        self._thread: Thread | None = None
        self._journal = Journal(assignment.model_id, assignment.version, assignment.stream)
        self._processing = Processing(bus, store, assignment, metrics, self._journal, self._pace.keep_s)
        self._outbox = self._processing.outbox
        self._teaching = Teaching(bus, store, assignment, self._pace.batch)

    @property
    def running(self) -> bool:
        """Whether the thread is at work."""
        return self._thread is not None and self._thread.is_alive()

    def positions(self) -> dict[int, int]:
        """By shard: the position of its last checkpoint."""
        return {shard: held.kept for shard, held in sorted(self._held.copy().items()) if held.kept is not None}

    def unsaved(self) -> dict[int, int | None]:
        """By shard that has scored events since its last checkpoint: that checkpoint's position."""
        return {shard: held.kept for shard, held in self._held.copy().items() if held.position != held.kept}

    def start(self) -> None:
        """Go to work in the background."""
        self._stop.clear()
        self._thread = Thread(
            target=self.work, args=(self._stop,), name=f"snnlab-{self.assignment.stream}", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Finish the batch at hand, write the last checkpoints, give the shards back."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self._let_go(set(self._held))
        self._keeper.close()
        self._renewal.close()
        self._outbox.close()
        self._bus.leave(self.assignment.model_id, self.assignment.stream)

    def step(self) -> int:
        """One round over the shards; returns the events processed. Raises BusError and StoreError as they come."""
        return self._round(ask_every_s=0.0)

    def _round(self, ask_every_s: float) -> int:
        done = 0
        self._outbox.check()
        mine = self._bus.assigned(self.assignment.model_id, self.assignment.stream)
        self._let_go(set(self._held) - set(mine))
        for shard in mine:
            held = self._hold(shard)
            if held is None:
                continue
            done += self._consume(shard, held, ask_every_s)
            self._teaching.teach(held)
            if not self._pace.checkpoint_s:
                self._checkpoint(held)
            self._settle(self._keeper.finished())
        self._fresh_at = time.monotonic() if done else self._fresh_at
        self._begin_checkpoint()
        self.processed += done
        self._expire()
        return done

    def work(self, stop: Event) -> None:
        """Round after round until ``stop`` is set; what fails is told by ``failure``, and tried again."""
        pause_s = _SHORTEST_PAUSE_S
        while not stop.is_set():
            try:
                done = self._round(_ASKED_EVERY_S)
                unusable = next(iter(self._unusable.values()), "")
                if self.failure and not unusable:
                    self._journal.going_on()
                self.failure = unusable
            except Exception as error:  # noqa: BLE001 - a worker outlives what it did not foresee, and says so
                self._fail(error)
                done = 0
            if done:
                pause_s = _SHORTEST_PAUSE_S
                continue
            stop.wait(1.0 if self.failure and not self._held else pause_s)
            pause_s = min(2 * pause_s, self._pace.poll_s)

    def _expire(self) -> None:
        """Have the anomalies removed whose time has come, now and then, where the stream does not wait for it."""
        now = time.monotonic()
        if self._pace.keep_s is not None and now - self._expired_at >= _EXPIRE_EVERY_S:
            self._expired_at = now
            self._outbox.do(self._store.expire)

    def _fail(self, error: Exception) -> None:
        known = isinstance(error, SnnlabError)
        self.failure = str(error) if known else f"{type(error).__name__}: {error}"
        self._journal.retry(self.failure, error)
        self._held.clear()
        self._keeper.forget()
        self._renewal.forget()
        self._outbox.forget()

    def _pause(self) -> float:
        """Seconds between a shard's checkpoints: longer while events come, so that most time goes to them."""
        wanted = self._pace.checkpoint_s
        if time.monotonic() - self._fresh_at >= wanted:
            return wanted
        cost_s = sum(held.cost_s for held in self._held.values())
        return max(wanted, min((1 / self._pace.share - 1) * cost_s, _LONGEST_PAUSE_S))

    def _hold(self, shard: int) -> Held | None:
        """The shard, held or taken; None while another process has it."""
        held = self._held.get(shard)
        if held is None:
            return self._taken(shard, time.monotonic())
        if not self._renewal.holds(held):
            del self._held[shard]
            self._journal.lost(shard)
            return None
        return held

    def _taken(self, shard: int, now: float) -> Held | None:
        """The shard where it can be taken; one whose checkpoint cannot be used waits, and the others go on."""
        every_s = _LONGEST_PAUSE_S if shard in self._unusable else _TRIED_EVERY_S
        if now - self._tried_at.get(shard, now - every_s) < every_s:
            return None
        key = self.assignment.key(shard)
        lease = self._store.acquire(key, self._owner, hold_s=self._pace.hold_s)
        if lease is None:
            self._tried_at[shard] = now
            return None
        try:
            held = self._take(shard, key, lease, now)
        except ModelError as error:
            self._tried_at[shard] = now
            self._unusable[shard] = f"shard {shard} of {key.stream!r}, checkpoint of {key.model!r}: {error}"
            self._journal.retry(self._unusable[shard], error)
            self._store.release(lease)
            return None
        self._unusable.pop(shard, None)
        return held

    def _take(self, shard: int, key: ShardKey, lease: Lease, now: float) -> Held:
        saved = read(self._store, key)
        scorer = self._load(saved.base if saved else self.assignment.body)
        position = committed = self._bus.committed(self.assignment.model_id, self.assignment.stream, shard)
        if saved is not None:
            position = saved.checkpoint.position
            with scorer.resting() as detector:
                history = saved.onto(detector)
            if position != committed:  # its owner ended between the two
                self._bus.commit(self.assignment.model_id, self.assignment.stream, shard, position)
        else:
            scorer.begin()
            history = History.of(scorer.detector, self.assignment.body, begun=True)
        self._held[shard] = held = Held(shard, lease, scorer, history, position, self._teaching.begun(key))
        held.renewed_at = now  # when the lease began; loading may have taken a good part of it
        if saved is not None and (standing := Standing.of(self._store, key)) is not None:
            held.events = standing.events
        self._journal.taken(shard, position, lease.epoch)
        return held

    def _events(self, shard: int, held: Held, ask_every_s: float) -> list[tuple[int, EventBatch]]:
        """Events of a shard: those that came, else those that the bus has when it is asked, which is not done often."""
        place = (self.assignment.stream, shard, held.position)
        if found := self._bus.arrived(*place, self._pace.batch):
            return found
        now = time.monotonic()
        if now - held.looked_at < ask_every_s:
            return []
        held.looked_at = now
        return self._bus.consume(*place, self._pace.batch) if self._bus.waiting(*place) else []

    def _consume(self, shard: int, held: Held, ask_every_s: float) -> int:
        done = 0
        for position, batch in self._events(shard, held, ask_every_s):
            if held.position is not None and position <= held.position:
                continue
            if len(batch):  # else what stood there could not be read, and is set aside
                with self._journal.processing(shard, batch):
                    self._processing.process(held.scorer, batch)
            held.position = position
            held.events += len(batch)
            done += len(batch)
        return done

    def _forget(self, shard: int, key: ShardKey) -> None:
        """Remove what a version before has kept, once this one has a checkpoint of its own."""
        left = self._replaced[shard]
        if key in left and self._store.forget(key):
            self._replaced[shard] = [one for one in left if one != key]

    def _begin_checkpoint(self) -> None:
        """Begin the checkpoint of the shard that has waited longest for it, if it is time and none is being written."""
        waiting = [held for held in self._held.values() if held.changed]
        if self._keeper.busy or not waiting:
            return
        held = min(waiting, key=lambda one: one.kept_at)
        if time.monotonic() - held.kept_at >= self._pause():
            self._keeper.begin(held, _marks(held), after=self._outbox.last)

    def _checkpoint(self, held: Held) -> None:
        """Write what changed in a shard, and wait until it is written."""
        self._settle(self._keeper.finished(wait=True))
        if held.changed and self._keeper.begin(held, _marks(held), after=self._outbox.last, wait=True):
            self._settle(self._keeper.finished(wait=True))

    def _settle(self, written: Written | None) -> None:
        """Acknowledge what a checkpoint that was written holds; let go of a shard whose checkpoint was refused."""
        if written is None or self._held.get(written.held.shard) is not written.held:
            return
        held, model, stream = written.held, self.assignment.model_id, self.assignment.stream
        if not written.accepted:
            del self._held[held.shard]
            self._journal.lost(held.shard)
            return
        if written.labelled is not None and written.labelled != held.labels_kept:
            self._bus.commit(model, topic_of(stream), held.shard, written.labelled)
        held.kept, held.labels_kept = written.position, written.labelled
        held.kept_at, held.cost_s = time.monotonic(), written.seconds
        self._bus.commit(model, stream, held.shard, written.position)
        for key in self._replaced[held.shard]:
            self._outbox.do(partial(self._forget, held.shard, key))
        self._journal.checkpoint(held.shard, written.position, written.seconds)

    def _let_go(self, shards: set[int]) -> None:
        for shard in sorted(shards):
            held = self._held.get(shard)
            if held is None:  # another shard's checkpoint told that it was lost
                continue
            try:
                self._checkpoint(held)
                if self._held.pop(shard, None) is None:  # its checkpoint was refused: it is another's
                    continue
                if self._renewal.holds(held, wait=True):
                    self._store.release(held.lease)
            except SnnlabError as error:
                self._fail(error)
                return
            self._journal.released(shard, held.position)


def _marks(held: Held) -> dict[str, bytes]:
    """The rows of a checkpoint: how far the shard is, and how far its labels are learnt."""
    rows = {} if held.position is None else {STANDING: Standing(held.position, held.events).write()}
    return rows if held.labelled is None else rows | {LABELS_READ: str(held.labelled).encode()}
