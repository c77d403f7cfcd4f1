"""The published Avro records: NeuromorphicEvent in, AnomalyEvent out.

Avro 1.11 binary encoding, through fastavro. An event's entity travels as ``metadata["entity"]``, its categories as
further entries of ``metadata``; the names of its features are the reader's, from the Domain.
"""

import io
import json
from collections.abc import Iterable, Sequence
from typing import Any, cast

import fastavro
import numpy as np

from snnlab.errors import EventError
from snnlab.events.anomaly import Anomaly
from snnlab.events.batch import EventBatch

__all__ = [
    "ANOMALY_EVENT",
    "NEUROMORPHIC_EVENT",
    "batch_of_records",
    "decode_anomaly",
    "decode_events",
    "encode_anomaly",
    "encode_events",
    "read_container",
    "write_container",
]

NEUROMORPHIC_EVENT = """\
{
  "type": "record",
  "name": "NeuromorphicEvent",
  "fields": [
    {"name": "event_id", "type": "string"},
    {"name": "timestamp", "type": "long"},
    {"name": "event_type", "type": "string"},
    {"name": "features", "type": {"type": "array", "items": "double"}},
    {"name": "metadata", "type": {"type": "map", "values": "string"}}
  ]
}
"""
"""Schema of an event: ``timestamp`` in µs since 1970 UTC."""

ANOMALY_EVENT = """\
{
  "type": "record",
  "name": "AnomalyEvent",
  "fields": [
    {"name": "anomaly_id", "type": "string"},
    {"name": "detected_at", "type": "long"},
    {"name": "anomaly_type", "type": "string"},
    {"name": "severity", "type": "float"},
    {"name": "spike_pattern", "type": {"type": "array", "items": "float"}},
    {"name": "contributing_events", "type": {"type": "array", "items": "string"}},
    {"name": "recommended_actions", "type": {"type": "array", "items": "string"}}
  ]
}
"""
"""Schema of an anomaly: ``detected_at`` in µs since 1970 UTC, ``severity`` in 0..1."""

EVENT_SCHEMA = fastavro.parse_schema(json.loads(NEUROMORPHIC_EVENT))
ANOMALY_SCHEMA = fastavro.parse_schema(json.loads(ANOMALY_EVENT))
ENTITY = "entity"
NAMES = "snnlab.features"
# What fastavro raises on bytes that are not what the schema says: it has no error of its own for it.
DAMAGE = (EOFError, ValueError, IndexError, KeyError, OverflowError, TypeError, StopIteration, MemoryError)


def encode_events(batch: EventBatch) -> list[bytes]:
    """Events as ``n`` single NeuromorphicEvent records, without a header.

    Raises EventError when a category is called "entity", which is the routing key's own entry.

    >>> batch = EventBatch.from_columns(np.array([[0.5]]), ["cpu"], entities=["web-1"])
    >>> decode_events(encode_events(batch), ["cpu"]) == batch
    True
    """
    return [_write(EVENT_SCHEMA, record) for record in _records(batch)]


def decode_events(
    records: Sequence[bytes], names: Sequence[str], categories: Sequence[str] | None = None
) -> EventBatch:
    """Events from single records.

    ``names`` are the features that every record must bring; ``categories`` the entries of metadata to keep, by default
    all that are there. Raises EventError for truncated or trailing bytes, another count of features, NaN and infinity.
    """
    return batch_of_records((_read(EVENT_SCHEMA, record, "event") for record in records), names, categories)


def write_container(batch: EventBatch, codec: str = "deflate") -> bytes:
    """Events as an Avro object container file, with the names of the features in its header."""
    sink = io.BytesIO()
    names = {NAMES: json.dumps(list(batch.names))}
    fastavro.writer(sink, EVENT_SCHEMA, _records(batch), codec=codec, metadata=names)
    return sink.getvalue()


def read_container(
    content: bytes, names: Sequence[str] | None = None, categories: Sequence[str] | None = None
) -> EventBatch:
    """Events from an Avro object container file of NeuromorphicEvent records.

    ``names`` default to those in the header, then to feature_0, feature_1… Raises EventError on damage.
    """
    try:
        reader = fastavro.reader(io.BytesIO(content))
        records = [cast("dict[str, Any]", record) for record in reader]
    # A damaged file meets the errors of its schema, of its codec and of its blocks: they share no other base.
    except Exception as wrong:
        raise EventError(f"not an Avro file, or a damaged one ({_told(wrong)}); write it again") from wrong
    if names is None:
        names = _header_names(reader.metadata, records)
    return batch_of_records(records, names, categories)


def batch_of_records(
    records: Iterable[dict[str, Any]], names: Sequence[str], categories: Sequence[str] | None = None
) -> EventBatch:
    """Events from decoded NeuromorphicEvent records: dicts with the schema's five fields.

    Raises EventError for a missing field, another count of features, NaN and infinity.
    """
    rows = list(records)
    try:
        for row in rows:
            if len(row["features"]) != len(names):
                raise EventError(
                    f"event {row['event_id']!r} has {len(row['features'])} features, not {len(names)}: {tuple(names)}; "
                    "send one number for each"
                )
        kept = tuple(categories) if categories is not None else _metadata_keys(rows)
        batch = EventBatch.from_columns(
            np.array([row["features"] for row in rows], dtype=np.float64).reshape(len(rows), len(names)),
            names,
            timestamps=np.array([row["timestamp"] for row in rows], dtype=np.int64),
            event_ids=[row["event_id"] for row in rows],
            event_types=[row["event_type"] for row in rows],
            entities=[row["metadata"].get(ENTITY, "all") for row in rows],
            categories={name: [row["metadata"].get(name) for row in rows] for name in kept},
        )
    except (KeyError, TypeError, AttributeError, OverflowError) as wrong:
        raise EventError(f"not a NeuromorphicEvent record ({_told(wrong)}); it has the fields of the schema") from wrong
    batch.check()
    return batch


def encode_anomaly(anomaly: Anomaly) -> bytes:
    """An anomaly as a single AnomalyEvent record: its first seven fields, numbers in 32 bits."""
    fields = (part["name"] for part in cast("dict[str, Any]", ANOMALY_SCHEMA)["fields"])
    return _write(ANOMALY_SCHEMA, {name: getattr(anomaly, name) for name in fields})


def decode_anomaly(record: bytes) -> Anomaly:
    """An anomaly from a single record; raises EventError for truncated or trailing bytes and values out of range.

    >>> decode_anomaly(encode_anomaly(Anomaly("1f", 7, "api_abuse", 0.5, (0.25,), ("e1",)))).contributing_events
    ('e1',)
    """
    content = _read(ANOMALY_SCHEMA, record, "anomaly")
    return Anomaly.from_json(content)


def _records(batch: EventBatch) -> Iterable[dict[str, Any]]:
    if ENTITY in batch.category_names:
        raise EventError(
            f"a category is called {ENTITY!r}, the routing key's own entry of metadata; give it another name"
        )
    kinds = batch.record.column("metadata").to_pylist()
    columns = (batch.event_ids, batch.timestamps.tolist(), batch.event_types.words(), batch.entities.words())
    for *head, values, words in zip(*columns, batch.values.tolist(), kinds, strict=True):
        event_id, timestamp, event_type, entity = head
        present = {name: word for name, word in words.items() if word is not None}
        yield {
            "event_id": event_id,
            "timestamp": timestamp,
            "event_type": event_type,
            "features": values,
            "metadata": {ENTITY: entity, **present},
        }


def _write(schema: Any, record: dict[str, Any]) -> bytes:  # noqa: ANN401 - a parsed schema
    sink = io.BytesIO()
    fastavro.schemaless_writer(sink, schema, record)
    return sink.getvalue()


def _read(schema: Any, record: bytes, kind: str) -> dict[str, Any]:  # noqa: ANN401 - a parsed schema
    source = io.BytesIO(record)
    try:
        content = cast("dict[str, Any]", fastavro.schemaless_reader(source, schema, None))
    except DAMAGE as wrong:
        raise EventError(f"{len(record)} bytes are no Avro {kind} ({_told(wrong)}); send the whole record") from wrong
    if left := len(record) - source.tell():
        raise EventError(
            f"{left} bytes follow the Avro {kind} {next(iter(content.values()))!r}; send one record a message"
        )
    return content


def _header_names(metadata: Any, records: Sequence[dict[str, Any]]) -> list[str]:  # noqa: ANN401 - of fastavro
    width = len(records[0].get("features", ())) if records else 0
    counted = [f"feature_{i}" for i in range(width)]
    try:
        names = json.loads(metadata.get(NAMES) or "null")
    except ValueError:
        return counted
    return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else counted


def _metadata_keys(rows: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    keys = {key: None for row in rows for key in row["metadata"]}
    keys.pop(ENTITY, None)
    return tuple(keys)


def _told(wrong: BaseException) -> str:
    return str(wrong) or type(wrong).__name__
