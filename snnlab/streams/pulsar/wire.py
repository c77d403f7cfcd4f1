"""Events and anomalies as Pulsar messages.

Events travel as Arrow, many of one shard in a message, or as NeuromorphicEvent in Avro, one a message. A message
without the property ``snnlab.encoding`` is taken for Avro, as other producers write it. Anomalies travel as
AnomalyEvent in Avro with the schema registered; the fields that it does not have are in a property.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import fastavro

from snnlab.errors import EventError
from snnlab.events import EventBatch, arrow, avro
from snnlab.events.anomaly import Anomaly

if TYPE_CHECKING:
    import pulsar

__all__ = [
    "MOST_EVENTS",
    "Sent",
    "anomaly_of",
    "arrow_events",
    "as_arrow",
    "as_avro",
    "avro_names",
    "is_arrow",
    "registered",
    "sent_anomaly",
]

ENCODING = "snnlab.encoding"
FEATURES = "snnlab.features"
CATEGORIES = "snnlab.categories"
BESIDE = "snnlab.anomaly"
MOST_EVENTS = 4096
_MOST_BYTES = 4 * 2**20  # a broker takes 5 MB a message unless it is told otherwise
_BESIDE = ("severity", "entity", "model", "stream", "score", "explanation")


@dataclass(frozen=True)
class Sent:
    """One message: its bytes and what stands beside them. ``time_us`` is the event's own time."""

    body: bytes = field(repr=False)
    properties: Mapping[str, str]
    key: str | None = None
    time_us: int = 0


def registered(schema: str, name: str) -> "pulsar.schema.Schema":
    """An Avro schema that a producer registers with the broker, for bodies that are encoded already."""
    import _pulsar
    from pulsar.schema import Schema

    class Encoded(Schema):  # type: ignore[misc]  # the library has no types
        """Bodies pass as they are."""

        def __init__(self) -> None:
            super().__init__(bytes, _pulsar.SchemaType.AVRO, json.loads(schema), name)

        def encode(self, obj: bytes) -> bytes:
            """The bytes."""
            return obj

        def decode(self, data: bytes) -> bytes:
            """The bytes."""
            return data

    return Encoded()


def as_arrow(batch: EventBatch) -> list[Sent]:
    """Events as few messages, none with more than 4,096 events or 4 MiB."""
    sent = []
    for start in range(0, len(batch), MOST_EVENTS):
        piece = batch.slice(start, start + MOST_EVENTS)
        body = arrow.encode_events(piece)
        if len(body) > _MOST_BYTES and len(piece) > 1:
            half = len(piece) // 2
            sent += as_arrow(piece.slice(0, half)) + as_arrow(piece.slice(half, len(piece)))
        else:
            sent.append(Sent(body, {ENCODING: "arrow"}, time_us=int(piece.timestamps[0])))
    return sent


def as_avro(batch: EventBatch) -> list[Sent]:
    """Events as one message each, keyed by the entity."""
    told = {
        ENCODING: "avro",
        FEATURES: json.dumps(list(batch.names)),
        CATEGORIES: json.dumps(list(batch.category_names)),
    }
    entities, times = batch.entities.words(), batch.timestamps.tolist()
    bodies = avro.encode_events(batch)
    return [Sent(body, told, key, time) for body, key, time in zip(bodies, entities, times, strict=True)]


def is_arrow(properties: Mapping[str, str]) -> bool:
    """Whether a message holds Arrow."""
    return properties.get(ENCODING) == "arrow"


def arrow_events(body: bytes) -> EventBatch:
    """The events of an Arrow message; raises EventError for bytes that are no events, or too many of them."""
    batch = arrow.decode_events(body)
    if len(batch) > MOST_EVENTS:
        raise EventError(f"{len(batch)} events in one message; send at most {MOST_EVENTS}")
    return batch


def avro_names(
    body: bytes, properties: Mapping[str, str], features: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...] | None]:
    """What the numbers of an Avro message are called, and which categories it may have; None for those it has.

    ``features`` are the names where the producer gives none, and feature_0, feature_1… where there are none at all.
    Raises EventError for bytes that are no event.
    """
    names = _names(properties.get(FEATURES, "")) or features
    if not names:
        names = tuple(f"feature_{i}" for i in range(_width(body)))
    return names, _names(properties.get(CATEGORIES, ""))


def sent_anomaly(anomaly: Anomaly) -> Sent:
    """An anomaly as a message, keyed by the entity."""
    beside = json.dumps({name: getattr(anomaly, name) for name in _BESIDE})
    return Sent(avro.encode_anomaly(anomaly), {BESIDE: beside}, anomaly.entity or None, anomaly.detected_at)


def anomaly_of(body: bytes, properties: Mapping[str, str]) -> Anomaly:
    """The anomaly of a message. Raises EventError for bytes that are none."""
    known: dict[str, Any] = avro.decode_anomaly(body).to_json()
    return Anomaly.from_json(known | json.loads(properties.get(BESIDE, "{}")))


def _width(body: bytes) -> int:
    """How many numbers an Avro event has. Raises EventError for bytes that are no event."""
    try:
        return len(fastavro.schemaless_reader(io.BytesIO(body), avro.EVENT_SCHEMA, None)["features"])
    except avro.DAMAGE as wrong:
        raise EventError(f"{len(body)} bytes are no Avro event; send one NeuromorphicEvent a message") from wrong


@lru_cache(maxsize=256)
def _names(text: str) -> tuple[str, ...] | None:
    try:
        told = json.loads(text or "null")
    except ValueError:
        return None
    return tuple(str(one) for one in told) if isinstance(told, list) else None
