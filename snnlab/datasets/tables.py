"""A file of any known format as one Arrow table: CSV, Parquet, Arrow IPC, Avro and NDJSON, each also gzipped."""

import gzip
import io
import json
import sys
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast

import fastavro
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.feather
import pyarrow.json
import pyarrow.parquet

from snnlab.datasets.delimited import read_csv
from snnlab.errors import EventError, FileFormatError
from snnlab.events import avro

__all__ = ["FORMATS", "STDIN", "read_table", "table_of"]

STDIN = "-"
"""The name that stands for standard input."""

FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".avro": "avro",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".json": "ndjson",
}
"""Formats by the end of a file's name; ``.gz`` may follow each."""

MAGIC = {b"PAR1": "parquet", b"ARROW1": "arrow", b"\xff\xff\xff\xff": "arrow", b"Obj\x01": "avro"}


def read_table(path: str | Path) -> tuple[pa.Table, str]:
    """The table in a file, and its format; ``"-"`` reads standard input.

    Raises FileFormatError for a missing, empty or damaged file and for columns of one name.
    """
    name = str(path)
    return table_of(_content(name), name)


def table_of(content: bytes, name: str) -> tuple[pa.Table, str]:
    r"""The table in the bytes of a file called ``name``, and its format.

    >>> table_of(b"cpu,host\n0.5,a\n", "made.csv")[0].to_pydict()
    {'cpu': [0.5], 'host': ['a']}
    """
    if not content.strip():
        raise FileFormatError(f"{name} is empty; it must hold a header and at least one row")
    kind = _format(content, name)
    try:
        table = READERS[kind](content, name)
        _read_names(table.schema)
    except (pa.ArrowException, EventError, UnicodeDecodeError, OSError) as wrong:
        raise FileFormatError(f"{name} is no {kind} file that can be read: {wrong}") from wrong
    _check(table, name)
    return table, kind


def _content(name: str) -> bytes:
    try:
        content = sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()
    except FileNotFoundError as wrong:
        raise FileFormatError(f"no file {name!r}; give the path of a file, or - for standard input") from wrong
    except OSError as wrong:
        raise FileFormatError(f"{name} cannot be read: {wrong.strerror}") from wrong
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, OSError, zlib.error) as wrong:
        raise FileFormatError(f"{name} is a damaged gzip file ({wrong}); copy it again") from wrong


def _format(content: bytes, name: str) -> str:
    """The format of the bytes; what they begin with counts for more than what the file is called."""
    for magic, kind in MAGIC.items():
        if content.startswith(magic):
            return kind
    said = FORMATS.get(Path(name.removesuffix(".gz")).suffix.lower(), "")
    if said in MAGIC.values():
        raise FileFormatError(f"{name} does not begin like {said}; check that it was written as {said} and is whole")
    starts_json = content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")
    return "ndjson" if said == "ndjson" or (not said and starts_json) else "csv"


def _read_parquet(content: bytes, _name: str) -> pa.Table:
    return pyarrow.parquet.read_table(pa.BufferReader(content))


def _read_arrow(content: bytes, _name: str) -> pa.Table:
    source = pa.BufferReader(content)
    opened = pa.ipc.open_file(source) if content.startswith(b"ARROW1") else pa.ipc.open_stream(source)
    table = opened.read_all()
    table.validate(full=True)
    return table


def _read_avro(content: bytes, name: str) -> pa.Table:
    try:
        reader = fastavro.reader(io.BytesIO(content))
        schema = cast("dict[str, Any]", reader.writer_schema)
        if schema.get("name") == "NeuromorphicEvent":
            return pa.Table.from_batches([avro.read_container(content).record])
        return pa.Table.from_pylist(list(reader))
    except EventError:
        raise
    # A damaged file meets the errors of its schema, of its codec and of its blocks: they share no other base.
    except Exception as wrong:
        raise FileFormatError(f"{name} is a damaged Avro file ({wrong}); write it again") from wrong


def _read_ndjson(content: bytes, name: str) -> pa.Table:
    text = content.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text.startswith(b"["):
        options = pyarrow.json.ReadOptions(block_size=max(1 << 24, len(text) // 64))
        return pyarrow.json.read_json(pa.BufferReader(text), read_options=options)
    try:
        rows = json.loads(text)
    except ValueError as wrong:
        raise FileFormatError(f"{name} is no JSON: {wrong}") from wrong
    if not all(isinstance(row, dict) for row in rows):
        raise FileFormatError(f"{name} is a JSON list of other things than objects; give one object an event")
    return pa.Table.from_pylist(rows)


READERS: dict[str, Callable[[bytes, str], pa.Table]] = {
    "csv": read_csv,
    "parquet": _read_parquet,
    "arrow": _read_arrow,
    "avro": _read_avro,
    "ndjson": _read_ndjson,
}


def _read_names(fields: Iterable[pa.Field]) -> None:
    """Read every name once, within structs too; one that is no UTF-8 raises UnicodeDecodeError only when it is read."""
    for field in fields:
        if field.name is not None and pa.types.is_struct(field.type):
            _read_names(field.type)


def _check(table: pa.Table, name: str) -> None:
    if not table.num_rows:
        raise FileFormatError(f"{name} has no rows after its header {table.column_names}; there is nothing to score")
    names = pa.array(table.column_names, pa.string())
    repeated = [part["values"].as_py() for part in pc.value_counts(names) if part["counts"].as_py() > 1]
    if repeated:
        raise FileFormatError(f"{name} has {repeated[0]!r} twice in its header; give every column a name of its own")
    for column in table.schema:
        if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
            raise FileFormatError(f"column {column.name!r} of {name} is not UTF-8 text; save the file as UTF-8")
