"""Your own data: a file of any known format as a labelled stream, its columns known by their names."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float64, Int8, Int64

from snnlab.datasets.labelled import LabelledStream
from snnlab.datasets.nested import flattened
from snnlab.datasets.roles import Roles, roles_of
from snnlab.datasets.tables import STDIN, read_table
from snnlab.datasets.times import microseconds
from snnlab.errors import FileFormatError
from snnlab.events import EventBatch
from snnlab.types import Json

__all__ = ["read_events", "stream_of_table"]

NORMAL_WORDS = ("", "0", "0.0", "false", "no", "n", "normal", "benign", "ok", "none", "negative", "-")
ANOMALOUS_WORDS = ("1", "1.0", "true", "yes", "y", "anomaly", "anomalous", "abnormal", "positive")


def read_events(
    path: str | Path,
    *,
    timestamp: str | None = None,
    entity: str | None = None,
    features: Sequence[str] | None = None,
    label: str | None = None,
) -> LabelledStream:
    """The events in a file: CSV, Parquet, Arrow IPC, Avro or NDJSON, each also gzipped; ``"-"`` is standard input.

    A column named like a timestamp is the time (ISO 8601, or s, ms, µs or ns since 1970), ``entity`` the routing key,
    ``event_type`` the type, ``event_id`` or a unique ``id`` the id, ``label``, ``anomaly`` or ``is_anomaly`` the truth;
    text columns are categories, every other numeric column is a feature. ``timestamp``, ``entity``, ``features`` and
    ``label`` say otherwise; ``timestamp=""`` says that there is no time. Without time, events stand a second apart in
    the order of the file; the order of the rows is always kept. True and false are 1 and 0. An empty cell or NaN of a
    feature takes the entity's last value before it, 0 where there is none; ``meta["filled"]`` counts them by column.
    A text column with another word in every row is an id, not a category, unless ``features`` names it.
    Raises FileFormatError, which names the line, row or column, for a file that cannot be read so.
    """
    table, kind = read_table(path)
    name = str(path)
    stem = "stdin" if name == STDIN else Path(name.removesuffix(".gz")).stem
    stream = stream_of_table(
        table, stem, source=name, timestamp=timestamp, entity=entity, features=features, label=label
    )
    stream.meta.update({"source": name, "format": kind})
    return stream


def stream_of_table(
    table: pa.Table,
    name: str,
    *,
    source: str | None = None,
    timestamp: str | None = None,
    entity: str | None = None,
    features: Sequence[str] | None = None,
    label: str | None = None,
) -> LabelledStream:
    """The events in a table, by the same conventions as ``read_events``; errors call it ``source``.

    >>> table = pa.table({"time": [0, 60], "entity": ["a", "b"], "cpu": [0.5, None], "label": [0, 1]})
    >>> stream = stream_of_table(table, "made")
    >>> stream, stream.events.values.tolist(), stream.meta["filled"]
    (LabelledStream('made': 2 events, 1 anomalous, features cpu), [[0.5], [0.0]], {'cpu': 1})
    """
    source = source or name
    table = flattened(table, source)
    roles = roles_of(table, source, timestamp=timestamp, entity=entity, features=features, label=label)
    entities = _words(table, roles.entity, "all")
    values, filled = _features(table, roles.features, entities, source)
    times = _times(table, roles)
    events = EventBatch.from_columns(
        values,
        roles.features,
        timestamps=times,
        event_ids=_ids(table, roles, source),
        event_types=_words(table, roles.event_type, "event"),
        entities=entities,
        categories={column: _text(table.column(column)) for column in roles.categories},
    )
    truth, kind = _truth(table, roles.label, source)
    unordered = 0 if times is None else int((np.diff(times) < 0).sum())
    return LabelledStream(name, events, truth, kind, meta=_meta(roles, filled, unordered))


def _meta(roles: Roles, filled: dict[str, int], unordered: int) -> Json:
    columns = {role: getattr(roles, role) for role in ("timestamp", "entity", "event_type", "event_id", "label")}
    return {
        "labelled": roles.label is not None,
        "columns": columns,
        "ignored": roles.ignored,
        "filled": filled,
        "unordered": unordered,
    }


def _text(column: pa.ChunkedArray) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    text = column if pa.types.is_string(column.type) else column.cast(pa.string())
    # An id that a gap turned into floats reads 12.0 where the file says 12.
    if pa.types.is_floating(column.type):
        text = pc.replace_substring_regex(text, r"\.0$", "")
    combined = text.combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.concat_arrays(combined.chunks)


def _words(table: pa.Table, column: str | None, default: str) -> pa.Array | str:
    """A column of words; missing ones are "" for an entity or type that is there at all."""
    return default if column is None else _text(table.column(column)).fill_null("").dictionary_encode()


def _times(table: pa.Table, roles: Roles) -> Int64[np.ndarray, " n"] | None:
    if roles.timestamp is None:
        return None
    times = microseconds(table.column(roles.timestamp), roles.timestamp)
    return times if roles.date is None else times + microseconds(table.column(roles.date), roles.date)


def _ids(table: pa.Table, roles: Roles, source: str) -> pa.Array | None:
    if roles.event_id is None:
        return None
    ids = _text(table.column(roles.event_id))
    if ids.null_count:
        row = pc.index(ids.is_null(), value=True).as_py() + 1
        raise FileFormatError(
            f"row {row} of {source} has no {roles.event_id}; give every row one or leave the column out"
        )
    if pc.count_distinct(ids).as_py() < len(ids):
        counts = pc.value_counts(ids)
        repeated = counts.field("values").filter(pc.greater(counts.field("counts"), 1))[0].as_py()
        rows = [i + 1 for i, word in enumerate(ids.to_pylist()) if word == repeated]
        raise FileFormatError(
            f"{roles.event_id} {repeated!r} of {source} stands in rows {rows[0]} and {rows[1]}; ids must be unique: "
            "keep one of the rows, or rename the column to have the events counted"
        )
    return ids


def _features(
    table: pa.Table, names: Sequence[str], entities: pa.Array | str, source: str
) -> tuple[Float64[np.ndarray, "n f"], dict[str, int]]:
    values = np.empty((table.num_rows, len(names)))
    filled: dict[str, int] = {}
    codes = np.zeros(table.num_rows, dtype=np.int32) if isinstance(entities, str) else entities.indices.to_numpy()
    for at, name in enumerate(names):
        column = table.column(name)
        if pa.types.is_boolean(column.type):
            column = column.cast(pa.int8())
        numbers = column.cast(pa.float64(), safe=False).to_numpy()
        if np.isinf(numbers).any():
            row = int(np.argmax(np.isinf(numbers)))
            raise FileFormatError(
                f"row {row + 1} of {source} has {name} = {numbers[row]}; features are finite: mend or empty that cell"
            )
        if missing := int(np.isnan(numbers).sum()):
            filled[name] = missing
            numbers = _filled(numbers, codes)
        values[:, at] = numbers
    return values, filled


def _filled(numbers: Float64[np.ndarray, " n"], codes: Int64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    """Each gap takes the last value before it of the same entity, 0 where there is none: nothing looks ahead."""
    order = np.argsort(codes, kind="stable")
    sorted_numbers, sorted_codes = numbers[order], codes[order]
    position = np.arange(len(order))
    last = np.maximum.accumulate(np.where(np.isnan(sorted_numbers), -1, position))
    known = (last >= 0) & (sorted_codes[np.maximum(last, 0)] == sorted_codes)
    out = np.empty_like(numbers)
    out[order] = np.where(known, sorted_numbers[np.maximum(last, 0)], 0.0)
    return out


def _truth(table: pa.Table, column: str | None, source: str) -> tuple[Int8[np.ndarray, " n"], list[str]]:
    """The labels and the kinds: a label that is a word other than yes and no is the kind of the anomaly."""
    if column is None:
        return np.zeros(table.num_rows, dtype=np.int8), []
    values = table.column(column)
    if pa.types.is_boolean(values.type):
        return values.cast(pa.int8()).fill_null(0).to_numpy().astype(np.int8), []
    if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
        numbers = np.nan_to_num(values.cast(pa.float64(), safe=False).to_numpy())
        if (numbers < 0).any():
            row = int(np.argmax(numbers < 0))
            raise FileFormatError(
                f"row {row + 1} of {source} has {column} = {numbers[row]:g}; write 1 for an anomaly and 0 for none"
            )
        return (numbers != 0).astype(np.int8), []
    words = [word.strip().lower() for word in _text(values).fill_null("").to_pylist()]
    label = np.array([word not in NORMAL_WORDS for word in words], dtype=np.int8)
    return label, ["" if word in NORMAL_WORDS + ANOMALOUS_WORDS else word for word in words]
