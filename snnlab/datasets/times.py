"""Times as files write them, as µs since 1970 UTC."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Int64

from snnlab.errors import FileFormatError

__all__ = ["epoch_unit", "microseconds"]

FORMS = (
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y",
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y",
    "%Y%m%dT%H%M%S",
)
"""Forms beside ISO 8601; where a month and a day cannot be told apart, the month comes first."""

LATEST_NS = 2.0**63
UNITS = {"s": 1e6, "ms": 1e3, "us": 1.0, "ns": 1e-3}


def microseconds(column: pa.ChunkedArray, name: str) -> Int64[np.ndarray, " n"]:
    """A column of times as µs since 1970 UTC; times without a zone are UTC.

    Numbers are seconds, ms, µs or ns since 1970 by the ending of the column's name (``ts_ms``), else by how large they
    are: below 1e11 seconds, below 1e14 ms, below 1e17 µs. Raises FileFormatError that names the first row, counted
    from 1, that has no time or one that cannot be read.

    >>> microseconds(pa.chunked_array([["2015-02-26 21:42:53"]]), "timestamp").tolist()
    [1424986973000000]
    """
    if column.null_count:
        row = pc.index(column.is_null(), value=True).as_py() + 1
        raise FileFormatError(f"row {row} has no {name}; give every row a time, or leave the column out of the file")
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        column = _from_text(column, name)
    elif pa.types.is_dictionary(kind):
        return microseconds(column.cast(kind.value_type), name)
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type) or pa.types.is_time(column.type):
        return _from_temporal(column)
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
        return _from_numbers(column, name)
    raise FileFormatError(f"column {name!r} holds {kind}, no times; name the column of times with --timestamp")


def epoch_unit(largest: float, name: str) -> str:
    """The unit of numbers since 1970 whose largest is ``largest``, in a column called ``name``.

    >>> epoch_unit(1.7e9, "time"), epoch_unit(1.7e12, "time"), epoch_unit(5.0, "ts_ms")
    ('s', 'ms', 'ms')
    """
    ending = name.lower().rsplit("_", 1)[-1]
    if ending in UNITS and "_" in name:
        return ending
    if largest < 1e11:
        return "s"
    if largest < 1e14:
        return "ms"
    return "us" if largest < 1e17 else "ns"


def _from_temporal(column: pa.ChunkedArray) -> Int64[np.ndarray, " n"]:
    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("s" if pa.types.is_date32(column.type) else "ms"))
    to = pa.time64("us") if pa.types.is_time(column.type) else pa.timestamp("us", column.type.tz)
    times: np.ndarray = column.cast(to, safe=False).cast(pa.int64()).to_numpy()
    return times


def _from_numbers(column: pa.ChunkedArray, name: str) -> Int64[np.ndarray, " n"]:
    integers = pa.types.is_integer(column.type)
    numbers: np.ndarray = column.to_numpy() if integers else column.cast(pa.float64()).to_numpy()
    fit = np.abs(numbers.astype(np.float64)) < LATEST_NS
    if not fit.all():
        row = int(np.argmin(fit))
        raise FileFormatError(f"row {row + 1} has {name} = {numbers[row]}, no time; give s, ms, µs or ns since 1970")
    unit = epoch_unit(float(max(abs(float(numbers.min())), abs(float(numbers.max())))), name)
    times: np.ndarray
    if not integers:
        times = np.round(numbers * UNITS[unit])
    elif unit == "ns":
        times = numbers // 1000
    else:
        times = numbers.astype(np.int64) * int(UNITS[unit])
    return times.astype(np.int64)


def _from_text(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    column = pc.utf8_trim_whitespace(column)
    for kind in (pa.int64(), pa.float64(), pa.timestamp("us"), pa.timestamp("us", "UTC")):
        try:
            return column.cast(kind)
        except pa.ArrowInvalid:
            continue
    for form in FORMS:
        times = pc.strptime(column, format=form, unit="us", error_is_null=True)
        if not times.null_count:
            return times
    return pa.chunked_array(
        [[_one(text, row, name) for row, text in enumerate(column.to_pylist())]], pa.timestamp("us")
    )


def _one(text: str, row: int, name: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise FileFormatError(
            f"row {row + 1} has {name} = {text!r}, no time that can be read; write it like 2026-01-31 23:59:59 "
            "or as seconds since 1970, or name another column with --timestamp"
        ) from wrong
    return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
