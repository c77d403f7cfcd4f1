"""Events and anomalies as Arrow: IPC streams for the wire and the log, record batches for tables.

The IPC stream format of the Arrow specification 1.5, refused where it is truncated or not of the events' schema.
"""

import struct
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from snnlab.errors import EventError
from snnlab.events.anomaly import Anomaly
from snnlab.events.batch import EventBatch
from snnlab.events.columns import FEATURES_KEY, SYMBOL, event_schema, metadata_of, stored_names
from snnlab.events.ipc import holds_compressed

__all__ = [
    "ANOMALY_COLUMNS",
    "anomalies_from_record",
    "anomalies_to_record",
    "decode_anomalies",
    "decode_events",
    "encode_anomalies",
    "encode_events",
]

ANOMALY_COLUMNS = pa.schema(
    [
        ("anomaly_id", pa.string()),
        ("detected_at", pa.int64()),
        ("anomaly_type", pa.string()),
        ("severity", pa.float32()),
        ("spike_pattern", pa.list_(pa.float32())),
        ("contributing_events", pa.list_(pa.string())),
        ("recommended_actions", pa.list_(pa.string())),
        ("entity", pa.string()),
        ("model", pa.string()),
        ("stream", pa.string()),
        ("score", pa.float64()),
        ("explanation", pa.string()),
    ]
)
"""The twelve columns of anomalies; the first seven are the published AnomalyEvent."""

END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"


def encode_events(batch: EventBatch) -> bytes:
    """Events as an Arrow IPC stream, with only the words that they use.

    >>> import numpy as np
    >>> batch = EventBatch.from_columns(np.array([[0.5], [0.7]]), ["cpu"], categories={"zone": ["eu", None]})
    >>> decode_events(encode_events(batch)) == batch
    True
    """
    return _to_ipc(_compact(batch).record)


def decode_events(content: bytes | memoryview) -> EventBatch:
    """Events from an Arrow IPC stream.

    Raises EventError for truncated, trailing or damaged bytes, another schema, missing values, NaN and infinity.
    """
    batches = [EventBatch(record) for record in _from_ipc(content) if _is_events(record)]
    batch = EventBatch.concat(batches)
    batch.check()
    return batch


def anomalies_to_record(anomalies: Sequence[Anomaly]) -> pa.RecordBatch:
    """Anomalies as one record batch of ANOMALY_COLUMNS."""
    columns = [pa.array([getattr(anomaly, part.name) for anomaly in anomalies], part.type) for part in ANOMALY_COLUMNS]
    return pa.RecordBatch.from_arrays(columns, schema=ANOMALY_COLUMNS)


def anomalies_from_record(record: pa.RecordBatch) -> list[Anomaly]:
    """Anomalies from a record batch of ANOMALY_COLUMNS; raises EventError for other columns or missing values."""
    if not record.schema.equals(ANOMALY_COLUMNS):
        raise EventError(f"the columns are not the anomalies', {_told(ANOMALY_COLUMNS)}, but {_told(record.schema)}")
    if empty := [name for name, column in zip(record.schema.names, record.columns, strict=True) if column.null_count]:
        raise EventError(f"an anomaly lacks {empty[0]}; every field of an anomaly has a value")
    return [Anomaly.from_json(row) for row in record.to_pylist()]


def encode_anomalies(anomalies: Sequence[Anomaly], beside: Mapping[str, str] | None = None) -> bytes:
    """Anomalies as an Arrow IPC stream, with what else is told of them (``traceparent``) in the schema's metadata."""
    record = anomalies_to_record(anomalies)
    return _to_ipc(record.replace_schema_metadata(dict(beside)) if beside else record)


def decode_anomalies(content: bytes | memoryview) -> list[Anomaly]:
    """Anomalies from an Arrow IPC stream; raises EventError on damage.

    >>> decode_anomalies(encode_anomalies([Anomaly("1f", 7, "api_abuse", 0.5, entity="bob")]))[0].entity
    'bob'
    """
    return [anomaly for record in _from_ipc(content) for anomaly in anomalies_from_record(record)]


def _to_ipc(record: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, record.schema) as writer:
        writer.write_batch(record)
    return bytes(sink.getvalue().to_pybytes())


def _from_ipc(content: bytes | memoryview) -> list[pa.RecordBatch]:
    source = pa.BufferReader(pa.py_buffer(content))
    try:
        if holds_compressed(content):
            raise EventError("the Arrow stream is compressed within, which is not read; send it plain")
        with pa.ipc.open_stream(source) as reader:
            records = [*reader] or [pa.RecordBatch.from_pylist([], schema=reader.schema)]
        for record in records:
            record.validate(full=True)
    except (pa.ArrowException, OSError, StopIteration, struct.error, IndexError) as wrong:
        raise EventError(f"{len(content)} bytes are no whole Arrow stream ({wrong}); send them again") from wrong
    # A stream cut between two messages reads as a shorter one: only its last eight bytes tell.
    if bytes(content[-8:]) != END_OF_STREAM or source.tell() != len(content):
        raise EventError(
            f"{len(content)} bytes do not end where the Arrow stream does; send the whole stream, and it alone"
        )
    return records


def _is_events(record: pa.RecordBatch) -> bool:
    """Whether a record batch has the columns of events; raises EventError where it does not."""
    schema = record.schema
    try:
        names = stored_names((schema.metadata or {})[FEATURES_KEY])
        kind = schema.field("metadata").type
        expected = event_schema(names, tuple(kind.field(i).name for i in range(kind.num_fields)))
    except (KeyError, ValueError, TypeError, AttributeError) as wrong:
        raise EventError(
            f"the columns are not those of events but {_told(schema)}; write them with encode_events"
        ) from wrong
    if not schema.equals(expected):
        raise EventError(f"the columns are not those of events, {_told(expected)}, but {_told(schema)}")
    lacking = [part.name for part, column in zip(schema, record.columns, strict=True) if column.null_count]
    if lacking or record.column("features").flatten().null_count:
        raise EventError(f"an event lacks its {lacking[0] if lacking else 'features'}; every event has all of them")
    return True


def _told(schema: pa.Schema) -> str:
    # Not schema.names: a damaged name may be no UTF-8.
    return ", ".join(schema.to_string(show_schema_metadata=False).splitlines())


def _compact(batch: EventBatch) -> EventBatch:
    """The same events with only the words that they use: one event must not carry ten thousand names."""
    record, n = batch.record, len(batch)
    words = {name: record.column(name) for name in ("event_type", "entity")}
    kinds = {name: pc.struct_field(record.column("metadata"), name) for name in batch.category_names}
    if all(len(column.dictionary) <= max(n, 1) for column in (*words.values(), *kinds.values())):
        return batch
    for part in (words, kinds):
        part.update({name: column.cast(pa.string()).cast(SYMBOL) for name, column in part.items()})
    columns = [record.column(0), record.column(1), *words.values(), record.column(4), metadata_of(kinds, n)]
    return EventBatch(pa.RecordBatch.from_arrays(columns, schema=record.schema))
