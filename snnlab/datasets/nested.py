"""Nested columns laid flat: the list of features and the map of metadata that events travel with, and JSON objects."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from snnlab.errors import FileFormatError
from snnlab.events.columns import FEATURES_KEY

__all__ = ["flattened"]


def flattened(table: pa.Table, source: str) -> pa.Table:
    """The table with one plain column for each number of a list and each entry of a struct.

    The entries of ``metadata`` keep their own names, those of another struct follow its name and a dot; the numbers of
    ``features`` take the names in the schema's metadata where it has them. Lists that are not numbers of one count stay
    as they are. A table of events, which has ``features``, has its ``timestamp`` in µs.
    Raises FileFormatError where the features of two rows are not as many.

    >>> flattened(pa.table({"features": [[1.0, 2.0]], "metadata": [{"zone": "eu"}]}), "made").column_names
    ['features_0', 'features_1', 'zone']
    """
    stored = (table.schema.metadata or {}).get(FEATURES_KEY)
    names = json.loads(stored) if stored else None
    columns: dict[str, pa.ChunkedArray] = {}
    for field in table.schema:
        column = table.column(field.name)
        if pa.types.is_struct(field.type):
            _add_struct(columns, field.name, column)
        elif _is_number_list(field.type):
            columns.update(_listed(field.name, column, names if field.name == "features" else None, source))
        elif field.name == "timestamp" and _are_events(table.schema) and pa.types.is_int64(field.type):
            columns[field.name] = column.cast(pa.timestamp("us"))
        else:
            columns[field.name] = column
    return pa.table(columns)


def _is_number_list(kind: pa.DataType) -> bool:
    types = pa.types
    if not (types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)):
        return False
    return bool(types.is_floating(kind.value_type) or types.is_integer(kind.value_type))


def _are_events(schema: pa.Schema) -> bool:
    return {"event_id", "features"} <= set(schema.names) and _is_number_list(schema.field("features").type)


def _add_struct(columns: dict[str, pa.ChunkedArray], name: str, column: pa.ChunkedArray) -> None:
    for part in column.type:
        flat = part.name if name == "metadata" else f"{name}.{part.name}"
        if flat not in columns:
            columns[flat] = pc.struct_field(column, part.name)


def _listed(name: str, column: pa.ChunkedArray, names: list[str] | None, source: str) -> dict[str, pa.ChunkedArray]:
    fixed = column.type.list_size if pa.types.is_fixed_size_list(column.type) else None
    lengths = (
        np.full(len(column), fixed) if fixed is not None else pc.list_value_length(column).fill_null(-1).to_numpy()
    )
    width = int(lengths[0])
    if column.null_count or (lengths != width).any():
        if name != "features":
            return {name: column}
        row = int(np.argmax(lengths != width))
        raise FileFormatError(
            f"row {row + 1} of {source} has {int(lengths[row])} features, row 1 has {width}; send as many in each"
        )
    flat = (
        pa.concat_arrays([chunk.flatten() for chunk in column.chunks])
        if column.num_chunks
        else pa.array([], pa.float64())
    )
    named = names if names and len(names) == width else [f"{name}_{i}" for i in range(width)]
    at = np.arange(len(column)) * width
    return {part: pa.chunked_array([flat.take(pa.array(at + i))]) for i, part in enumerate(named)}
