"""What a worker and the service's doors write into the log, and the spans around a worker's batches.

Ids only: no entity, no body and no key of a request stands in a line. ``reason`` is what the error says, which may
name the value that is wrong.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from structlog.contextvars import bound_contextvars

from snnlab import tracing
from snnlab.errors import SnnlabError
from snnlab.events import EventBatch
from snnlab.events.anomaly import Anomaly
from snnlab.events.trace import traceparents
from snnlab.logs import logger

__all__ = ["Journal", "refused", "tell_anomalies"]

_LETTERS = 10  # dead letters of one batch that have a line each
_LONGEST = 200  # characters of a path or a reason


def tell_anomalies(anomalies: Sequence[Anomaly]) -> None:
    """One line an anomaly."""
    log = logger("snnlab.serving")
    for one in anomalies:
        log.info(
            "anomaly",
            model=one.model,
            **({"stream": one.stream} if one.stream else {}),
            anomaly_id=one.anomaly_id,
            event_id=one.contributing_events[0] if one.contributing_events else "",
            type=one.anomaly_type,
            severity=round(one.severity, 4),
        )


def refused(door: str, what: str, status: int | str) -> None:
    """One line a call that was refused."""
    logger("snnlab.serving").info("request refused", door=door, what=what[:_LONGEST], status=status)


class Journal:
    """The log of one worker."""

    def __init__(self, model: str, version: int, stream: str) -> None:
        self._model = model
        self._version = version
        self._stream = stream
        self._log = logger("snnlab.serving", model=model, stream=stream)

    def taken(self, shard: int, position: int | None, epoch: int) -> None:
        """A shard is this worker's now."""
        self._log.info("shard taken", shard=shard, position=position, epoch=epoch)

    def lost(self, shard: int) -> None:
        """Another worker has the shard."""
        self._log.warning("shard lost", shard=shard)

    def released(self, shard: int, position: int | None) -> None:
        """The shard was given back."""
        self._log.info("shard released", shard=shard, position=position)

    def checkpoint(self, shard: int, position: int, seconds: float) -> None:
        """A checkpoint was written."""
        self._log.debug("checkpoint", shard=shard, position=position, seconds=round(seconds, 4))

    def retry(self, reason: str, error: Exception) -> None:
        """Work failed, and is tried again."""
        known = isinstance(error, SnnlabError)
        told = "worker failed; its shards start again from their checkpoints"
        self._log.error(told, reason=reason[:_LONGEST], **({} if known else {"exc_info": error}))

    def going_on(self) -> None:
        """What failed works again."""
        self._log.info("worker goes on")

    def poisoned(self, error: Exception) -> None:
        """A batch cannot be scored at all; what nobody foresaw is told with its traceback."""
        known = isinstance(error, SnnlabError)
        self._log.warning(
            "batch cannot be scored", error=type(error).__name__, **({} if known else {"exc_info": error})
        )

    def dead_letters(self, batch: EventBatch, reasons: Sequence[str]) -> None:
        """Events were set aside; a line each for the first ten."""
        for event_id, reason in zip(batch.event_ids[:_LETTERS], reasons, strict=False):
            self._log.warning("dead letter", event_id=event_id, reason=reason[:_LONGEST])
        if len(batch) > _LETTERS:
            self._log.warning("dead letters", n_events=len(batch), without_a_line=len(batch) - _LETTERS)

    @contextmanager
    def processing(self, shard: int, batch: EventBatch) -> Iterator[None]:
        """A batch at work: lines bear its shard; its span comes from its producers', and its anomalies from it."""
        with bound_contextvars(shard=shard):
            if not tracing.enabled():
                yield
                return
            with self._span(shard, batch):
                yield

    def _span(self, shard: int, batch: EventBatch) -> AbstractContextManager[tracing.Span]:
        told: dict[str, tracing.Attribute] = {
            "messaging.destination.name": self._stream,
            "messaging.destination.partition.id": str(shard),
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.batch.message_count": len(batch),
            "model": self._model,
            "version": self._version,
            "stream": self._stream,
            "shard": shard,
            "n_events": len(batch),
        }
        return tracing.span(f"process {self._stream}", told, kind="consumer", parents=traceparents(batch))
