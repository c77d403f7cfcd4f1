"""A detector at work in the service: one batch at a time, measured, its anomalies named and matched with patterns."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import NamedTuple

import numpy as np

from snnlab import tracing
from snnlab.detectors import Detector, Verdicts
from snnlab.detectors.detector import DeadLetter
from snnlab.events import EventBatch
from snnlab.events.anomaly import Anomaly
from snnlab.serving.metrics import Metrics
from snnlab.serving.patterns import PatternMemory
from snnlab.serving.spikes import Spikes

__all__ = ["Found", "Mark", "Scorer", "rows_of"]


@dataclass(frozen=True)
class Found:
    """What a batch came to."""

    verdicts: Verdicts
    anomalies: list[Anomaly]
    rejected: list[DeadLetter]


class Mark(NamedTuple):
    """How far a detector has come: the events and the labels it has seen."""

    events: int
    labels: int


class Scorer:
    """A detector with its name, used by one thread at a time."""

    def __init__(
        self,
        detector: Detector,
        model_id: str,
        version: int,
        metrics: Metrics,
        patterns: PatternMemory,
        spikes: Spikes | None = None,
    ) -> None:
        self.detector = detector
        self.model_id = model_id
        self.version = version
        self._metrics = metrics
        self._patterns = patterns
        self._spikes = spikes or Spikes()
        self._taught = 0
        self._lock = Lock()
        patterns.ready(model_id)

    def begin(self) -> None:
        """A stream begins that the detector has not seen: its first events follow nothing."""
        with self._lock:
            self.detector.restart(clocks=False)

    @property
    def busy(self) -> bool:
        """Whether a thread is at work with it."""
        return self._lock.locked()

    def score(self, batch: EventBatch, *, learn: bool = True, stream: str = "") -> Found:
        """Verdicts on a batch, and its anomalies. Raises DataError for events that cannot be scored at all."""
        if not tracing.enabled():
            return self._score(batch, learn, stream)
        with tracing.span("detector.process", model=self.model_id, stream=stream, n_events=len(batch)) as span:
            found = self._score(batch, learn, stream)
            span.tell(n_anomalies=len(found.anomalies), n_rejected=len(found.rejected))
            return found

    def _score(self, batch: EventBatch, learn: bool, stream: str) -> Found:
        with self._lock:
            begun = time.perf_counter()
            verdicts = self.detector.process(batch, learn)
            seconds = time.perf_counter() - begun
            rejected = list(self.detector.rejected)
        self._fired(verdicts)
        self._spikes.tell(self.model_id, stream, verdicts)
        anomalies = self._patterns.recognise(verdicts.to_anomalies(self.model_id, stream, self.version))
        types = [anomaly.anomaly_type for anomaly in anomalies]
        if len(batch):
            events = len(batch) - len(rejected)
            self._metrics.observe(self.model_id, stream, events=events, types=types, seconds=seconds)
        if rejected:
            self._metrics.dead_letters(self.model_id, stream, len(rejected))
        return Found(verdicts, anomalies, rejected)

    def label(self, verdicts: Verdicts, labels: Mapping[str, bool]) -> int:
        """Teach the detector labels of events it has just scored, and count how many agreed; returns how many fit."""
        known = [
            (event, bool(flag))
            for event, flag in zip(verdicts.event_id, verdicts.anomaly, strict=True)
            if event in labels
        ]
        with self._lock:
            for event, _ in known:
                self.detector.feedback(event, labels[event])
        self._metrics.labels(self.model_id, sum(labels[event] == flag for event, flag in known), len(known))
        return len(known)

    def teach(self, event_id: str, *, normal: bool) -> bool:
        """Teach the detector the label of an anomaly it told earlier; False where it no longer remembers the event."""
        with self._lock:
            remembered = self.detector.feedback(event_id, not normal)
            self._taught += remembered
        if remembered:
            self._metrics.labels(self.model_id, int(not normal), 1)
        return remembered

    @contextmanager
    def resting(self) -> Iterator[Detector]:
        """The detector, while nobody else is at work with it."""
        with self._lock:
            yield self.detector

    @property
    def mark(self) -> Mark:
        """How far it has come, since it was loaded."""
        return Mark(self.detector.n_events, self._taught)

    def save(self) -> bytes:
        """Everything that the detector has learnt and remembers."""
        return self.snapshot()[1]

    def snapshot(self) -> tuple[Mark, bytes]:
        """Everything that the detector has learnt and remembers, and how far it had come then.

        Events wait while it is copied, and not while it is made bytes of.
        """
        with self._lock:
            mark, file = self.mark, self.detector.snapshot()
        return mark, file.to_bytes()

    def _fired(self, verdicts: Verdicts) -> None:
        scored = np.isfinite(verdicts.score)
        events = int(np.count_nonzero(scored))
        if not events:
            return
        # of a single event, which somebody waits for, the mean would cost as much as a third of its score
        shares = verdicts.pattern[0] if len(scored) == 1 else verdicts.pattern[scored].mean(axis=0, dtype=np.float64)
        clock = self.detector.domain.clock
        seconds = clock.event_ticks * clock.tick_ms / 1000.0
        self._metrics.firing(self.model_id, shares, events=events, event_s=seconds)


def rows_of(batch: EventBatch, rejected: Sequence[DeadLetter]) -> tuple[EventBatch, list[str]]:
    """The rejected events of a batch, and their reasons in the same order."""
    reasons = {rejection.event_id: rejection.reason for rejection in rejected}
    rows = [row for row, event_id in enumerate(batch.event_ids) if event_id in reasons]
    return batch.take(rows), [reasons[batch.event_ids[row]] for row in rows]
