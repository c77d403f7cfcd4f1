"""CSV as one finds it: commas, semicolons, tabs or bars, with or without quotes, decimal commas, a BOM or an index."""

import csv
import io
import re
from itertools import islice

import pyarrow as pa
import pyarrow.csv

from snnlab.errors import FileFormatError

__all__ = ["read_csv"]

DELIMITERS = ",;\t|"
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")
DAY = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}")
SEEN_FIRST = 1 << 20
"""Bytes at the head of a file from which its delimiter and header are read."""


def read_csv(content: bytes, name: str) -> pa.Table:
    r"""The table in the bytes of a CSV file; types are inferred, and empty cells and NaN are null.

    Raises FileFormatError for a row with too few or too many cells, a header of one name twice, no header at all,
    and bytes that are no UTF-8.

    >>> read_csv(b"t;x\n1;2,5\n", "made.csv").to_pydict()
    {'t': [1], 'x': [2.5]}
    """
    head = _decoded(content[:SEEN_FIRST], name)
    delimiter = _delimiter(head)
    header = _header(head, delimiter, name)
    table = _parsed(content, delimiter, ".", header, name)
    if delimiter != "," and any(map(_has_decimal_comma, table.columns)):
        table = _parsed(content, delimiter, ",", header, name)
    return table


def _decoded(head: bytes, name: str) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FileFormatError(f"{name} is UTF-16; save it as UTF-8")
    whole_lines = head[: head.rfind(b"\n") + 1] or head
    try:
        return whole_lines.decode("utf-8-sig").lstrip("\r\n")
    except UnicodeDecodeError as wrong:
        raise FileFormatError(f"{name} is not UTF-8 text ({wrong}); save it as UTF-8") from wrong


def _delimiter(head: str) -> str:
    """The delimiter that parts the first two lines into the same number of cells, the more the better."""

    def cells(delimiter: str) -> tuple[bool, int]:
        widths = [len(row) for row in islice(csv.reader(io.StringIO(head), delimiter=delimiter), 2)]
        return len(set(widths)) == 1, widths[0] if widths else 0

    best = max(DELIMITERS, key=lambda delimiter: (cells(delimiter)[1] > 1, *cells(delimiter)))
    return best if cells(best)[1] > 1 else ","


def _header(head: str, delimiter: str, name: str) -> list[str]:
    header = [cell.strip() for cell in next(csv.reader(io.StringIO(head), delimiter=delimiter), [])]
    data = [cell for cell in header if _is_number(cell) or DAY.match(cell)]
    counted = [str(i) for i in range(len(header))], [str(i + 1) for i in range(len(header))]
    if data and len(data) == len(header) and header not in counted:
        raise FileFormatError(
            f"the first line of {name} holds data ({', '.join(header[:3])}…), not names; "
            "put a line with the names of the columns before it"
        )
    named = [cell for cell in header if cell]
    for i, cell in enumerate(named):
        if cell in named[:i]:
            hint = (
                "put a line with names before the data" if _is_number(cell) else "give every column a name of its own"
            )
            raise FileFormatError(f"{name} has {cell!r} twice in its header; {hint}")
    return [cell or f"column_{i + 1}" for i, cell in enumerate(header)]


def _parsed(content: bytes, delimiter: str, decimal: str, header: list[str], name: str) -> pa.Table:
    parse = pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=b'"' in content)
    convert = pyarrow.csv.ConvertOptions(strings_can_be_null=True, decimal_point=decimal)
    # Types are inferred from the first block: where a later one does not fit them, the file becomes one block.
    sizes = [max(1 << 22, len(content) // 64), len(content) + 1]
    try:
        table = _in_blocks(content, sizes, parse, convert)
    except pa.ArrowInvalid as wrong:
        _name_ragged_row(content, delimiter, len(header), name)
        raise FileFormatError(f"{name} is no CSV file that can be read: {wrong}") from wrong
    return table.rename_columns(header)


def _in_blocks(
    content: bytes, sizes: list[int], parse: pyarrow.csv.ParseOptions, convert: pyarrow.csv.ConvertOptions
) -> pa.Table:
    """The table, read in blocks of the first of ``sizes`` whose inferred types fit the whole of it."""
    for size in sizes[:-1]:
        try:
            read = pyarrow.csv.ReadOptions(block_size=size)
            return pyarrow.csv.read_csv(pa.BufferReader(content), read, parse, convert)
        except pa.ArrowInvalid as wrong:
            if "conversion error" not in str(wrong):
                raise
    return pyarrow.csv.read_csv(pa.BufferReader(content), pyarrow.csv.ReadOptions(block_size=sizes[-1]), parse, convert)


def _name_ragged_row(content: bytes, delimiter: str, width: int, name: str) -> None:
    """Raise FileFormatError for the first row whose cells are not as many as the header's."""
    reader = csv.reader(io.StringIO(content.decode("utf-8-sig", errors="replace"), newline=""), delimiter=delimiter)
    try:
        for row in reader:
            if row and len(row) != width:
                raise FileFormatError(
                    f"line {reader.line_num} of {name} has {len(row)} cells, the header has {width}: "
                    f"{delimiter.join(row)[:80]!r}; mend that line"
                )
    except csv.Error as wrong:
        raise FileFormatError(f"line {reader.line_num} of {name} is no CSV: {wrong}") from wrong


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _has_decimal_comma(column: pa.ChunkedArray) -> bool:
    if not pa.types.is_string(column.type):
        return False
    seen = [cell for cell in column.slice(0, 100).to_pylist() if cell is not None]
    return bool(seen) and all(DECIMAL_COMMA.fullmatch(cell.strip()) or _is_number(cell) for cell in seen)
