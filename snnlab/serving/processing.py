"""What a worker does with a batch: sift it, score it, tell what was found, and set aside what cannot be scored."""

from collections.abc import Sequence

from snnlab import tracing
from snnlab.errors import BusError, StoreError
from snnlab.events import EventBatch
from snnlab.serving.assignment import Assignment
from snnlab.serving.journal import Journal, tell_anomalies
from snnlab.serving.metrics import Metrics
from snnlab.serving.outbox import Batch, Outbox
from snnlab.serving.scorer import Found, Scorer, rows_of
from snnlab.stores import Store
from snnlab.streams import Bus
from snnlab.streams.sift import sift

__all__ = ["Processing"]


class Processing:
    """Batches of one stream. Anomalies are stored and published by the ``outbox``, behind what is scored meanwhile."""

    def __init__(
        self, bus: Bus, store: Store, assignment: Assignment, metrics: Metrics, journal: Journal, keep_s: float | None
    ) -> None:
        self.outbox = Outbox(self._tell)
        self._bus = bus
        self._store = store
        self._model_id = assignment.model_id
        self._stream = assignment.stream
        self._metrics = metrics
        self._journal = journal
        self._keep_s = keep_s

    def process(self, scorer: Scorer, batch: EventBatch) -> None:
        """Score a batch. Raises BusError and StoreError as they come; what else is wrong with it is set aside."""
        good, reasons = sift(batch)
        if reasons:
            self._set_aside(batch.take((~good).nonzero()[0]), reasons)
            batch = batch.take(good.nonzero()[0])
        try:
            found = scorer.score(batch, stream=self._stream)
        except (BusError, StoreError):
            raise
        except Exception as error:  # noqa: BLE001 - one poisoned batch must not stop a stream
            self._journal.poisoned(error)
            self._set_aside(batch, [str(error) or type(error).__name__] * len(batch))
            return
        self._publish(batch, found)

    def _publish(self, batch: EventBatch, found: Found) -> None:
        if found.rejected:
            bad, reasons = rows_of(batch, found.rejected)
            self._bus.dead_letter(self._stream, bad, reasons)
            self._journal.dead_letters(bad, reasons)
        if found.anomalies:
            self.outbox.put(found.anomalies)

    def _tell(self, batches: Sequence[Batch]) -> None:
        """Store and publish anomalies, on the outbox's thread; each batch under its own span, where there are any."""
        anomalies = [one for batch in batches for one in batch.anomalies]
        self._store.put_anomalies(anomalies, keep_s=self._keep_s)
        if tracing.enabled():
            for batch in batches:
                batch.context.run(self._bus.publish_anomalies, self._stream, batch.anomalies)
        else:
            self._bus.publish_anomalies(self._stream, anomalies)
        for batch in batches:
            batch.context.run(tell_anomalies, batch.anomalies)

    def _set_aside(self, batch: EventBatch, reasons: Sequence[str]) -> None:
        if len(batch):
            self._bus.dead_letter(self._stream, batch, reasons)
            self._metrics.dead_letters(self._model_id, self._stream, len(batch))
            self._journal.dead_letters(batch, reasons)
