"""Spans of what is published, whose contexts travel with the messages."""

from collections.abc import Iterator
from contextlib import contextmanager

from snnlab import tracing
from snnlab.events import EventBatch
from snnlab.events.trace import traceparents, with_traceparents

__all__ = ["published", "publishing"]


@contextmanager
def publishing(system: str, topic: str, count: int, parents: tuple[str, ...] = ()) -> Iterator[None]:
    """A span around messages that are sent. Names are those of OpenTelemetry's conventions for messaging."""
    told: dict[str, tracing.Attribute] = {
        "messaging.system": system,
        "messaging.destination.name": topic,
        "messaging.operation.name": "publish",
        "messaging.operation.type": "send",
        "messaging.batch.message_count": count,
    }
    with tracing.span(f"publish {topic}", told, kind="producer", parents=parents):
        yield


@contextmanager
def published(system: str, stream: str, batch: EventBatch) -> Iterator[EventBatch]:
    """A span around events that are published; the batch to write down comes from that span.

    While traces are off, the events go on as coming from where they came from.
    """
    if not tracing.enabled():
        yield batch
        return
    with publishing(system, stream, len(batch), traceparents(batch)):
        yield with_traceparents(batch, [tracing.headers().get("traceparent", "")])
