"""Labels that come in on a stream's feedback topic, taught to the shards that a worker holds."""

import time
from typing import Protocol

from snnlab.serving.assignment import Assignment
from snnlab.serving.labels import labels_of, topic_of
from snnlab.serving.scorer import Scorer
from snnlab.stores import ShardKey, Store
from snnlab.streams import Bus

__all__ = ["LABELS_READ", "Teaching"]

LABELS_READ = "feedback"
"""The row of a checkpoint that tells how far the shard's labels are in what was learnt."""
_LABELS_EVERY_S = 0.2
_TOPIC_EVERY_S = 2.0


class Taught(Protocol):
    """A shard, as far as its labels go."""

    shard: int
    scorer: Scorer
    position: int | None
    labelled: int | None
    asked_at: float


class Teaching:
    """Reads the labels of one worker's model; a label is in the state once, as its checkpoint keeps how far they go."""

    def __init__(self, bus: Bus, store: Store, assignment: Assignment, batch: int) -> None:
        self._bus = bus
        self._store = store
        self._assignment = assignment
        self._batch = batch
        self._topic = topic_of(assignment.stream)
        self._there = False
        self._topic_asked_at = -_TOPIC_EVERY_S

    def begun(self, key: ShardKey) -> int | None:
        """Up to where a shard's labels were learnt: by this version, else by the one before it."""
        row = self._store.rows(key, [LABELS_READ]).get(LABELS_READ)
        if row is not None:
            return int(row)
        if not self._is_there():
            return None
        return self._bus.committed(self._assignment.model_id, self._topic, key.shard)

    def teach(self, held: Taught) -> None:
        """Teach the labels that came since, now and then."""
        now = time.monotonic()
        if held.position is None or now - held.asked_at < _LABELS_EVERY_S:
            return
        held.asked_at = now
        if not self._is_there() or not self._bus.waiting(self._topic, held.shard, held.labelled):
            return
        for position, batch in self._bus.consume(self._topic, held.shard, held.labelled, self._batch):
            for label in labels_of(batch):
                if label.model_id == self._assignment.model_id:
                    held.scorer.teach(label.event_id, normal=label.normal)
            held.labelled = position

    def _is_there(self) -> bool:
        """Whether the stream has a feedback topic, which is made with its first label."""
        now = time.monotonic()
        if not self._there and now - self._topic_asked_at >= _TOPIC_EVERY_S:
            self._topic_asked_at = now
            self._there = any(info.name == self._topic for info in self._bus.streams())
        return self._there
