"""What each column of a file is: the time, the entity, the truth, a feature, a category, or nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from snnlab.errors import FileFormatError

__all__ = ["LABEL_NAMES", "TIME_NAMES", "Roles", "roles_of"]

TIME_NAMES = (
    "timestamp",
    "datetime",
    "date_time",
    "@timestamp",
    "time_stamp",
    "event_time",
    "eventtime",
    "time",
    "date",
    "ts",
    "unix_time",
    "unixtime",
    "epoch",
    "occurred_at",
    "created_at",
)
"""Names like a timestamp, the likeliest first; endings (``tx_datetime``) and units (``ts_ms``) count too."""

TIME_ENDINGS = ("_timestamp", "_datetime", "_ts")
UNITS = ("s", "ms", "us", "ns")
LABEL_NAMES = ("label", "anomaly", "is_anomaly")
"""Names of the truth; none of them is ever a feature."""

NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"


@dataclass(frozen=True)
class Roles:
    """Columns by what they are; ``ignored`` says why for each that is nothing."""

    timestamp: str | None = None
    date: str | None = None
    """A column of days, where ``timestamp`` holds only times of day."""
    entity: str | None = None
    event_type: str | None = None
    event_id: str | None = None
    label: str | None = None
    features: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    ignored: dict[str, str] = field(default_factory=dict)


def roles_of(
    table: pa.Table,
    name: str,
    *,
    timestamp: str | None = None,
    entity: str | None = None,
    features: Sequence[str] | None = None,
    label: str | None = None,
) -> Roles:
    """The roles of a table's columns, by their names and types; what is given wins.

    ``timestamp=""`` says that no column is the time. Raises FileFormatError for names that the table does not have,
    and where neither a numeric nor a category column is left.

    >>> roles_of(pa.table({"ts": [1, 2], "host": ["a", "a"], "cpu": [0.5, 0.7], "label": [0, 1]}), "made").features
    ('cpu',)
    """
    _known(table, name, [timestamp or None, entity, label, *(features or ())])
    free = [column for column in table.column_names if column not in (features or ())]
    time = None if timestamp == "" else timestamp or _time_name(free)
    taken = {
        "timestamp": time,
        "date": _date_of(table, time, free),
        "entity": entity or _named(free, ("entity",)),
        "event_type": _named(free, ("event_type",)),
        "event_id": _id_of(table, free),
        "label": label or _named(free, LABEL_NAMES),
    }
    used = {column for column in taken.values() if column}
    ignored = {c: "truth" for c in free if c not in used and _plain(c) in LABEL_NAMES}
    rest = list(features) if features is not None else [c for c in free if c not in used and c not in ignored]
    numbers, words = _sorted(table, name, rest, ignored, chosen=features is not None)
    if not numbers and not words:
        told = "; ".join(f"{column}: {why}" for column, why in ignored.items()) or "all have other roles"
        raise FileFormatError(
            f"{name} has no numeric and no category column among {table.column_names} ({told}); "
            "a detector needs at least one: name it with --features"
        )
    return Roles(**taken, features=tuple(numbers), categories=tuple(words), ignored=ignored)


def _known(table: pa.Table, name: str, asked: Iterable[str | None]) -> None:
    for column in asked:
        if column is not None and column not in table.column_names:
            raise FileFormatError(f"{name} has no column {column!r}; it has {', '.join(table.column_names)}")


def _plain(column: str) -> str:
    return column.strip().lower().replace(" ", "_").replace("-", "_")


def _named(columns: Sequence[str], names: Sequence[str]) -> str | None:
    plain = {_plain(column): column for column in reversed(columns)}
    return next((plain[name] for name in names if name in plain), None)


def _time_name(columns: Sequence[str]) -> str | None:
    by_unit = [f"{stem}_{unit}" for stem in ("timestamp", "ts", "time", "epoch") for unit in UNITS]
    return _named(columns, (*TIME_NAMES, *by_unit)) or next(
        (column for column in columns if _plain(column).endswith(TIME_ENDINGS)), None
    )


def _date_of(table: pa.Table, time: str | None, free: Sequence[str]) -> str | None:
    """The column ``date``, where the column of times holds only times of day."""
    if time is None or not pa.types.is_time(table.schema.field(time).type):
        return None
    return next((column for column in free if column != time and _plain(column) == "date"), None)


def _id_of(table: pa.Table, free: Sequence[str]) -> str | None:
    """``event_id``, which must be unique, or an ``id`` that happens to be."""
    if given := _named(free, ("event_id",)):
        return given
    found = _named(free, ("id",))
    return found if found and _distinct(table.column(found)) == table.num_rows else None


def _distinct(column: pa.ChunkedArray) -> int:
    return int(pc.count_distinct(column, mode="only_valid").as_py())


def _sorted(
    table: pa.Table, name: str, columns: Sequence[str], ignored: dict[str, str], *, chosen: bool
) -> tuple[list[str], list[str]]:
    """Numeric columns and categories among ``columns``; the others go to ``ignored`` with the reason."""
    numbers: list[str] = []
    words: list[str] = []
    for column in columns:
        kind, values = table.schema.field(column).type, table.column(column)
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        if values.null_count == table.num_rows:
            ignored[column] = "empty"
        elif _plain(column) == "id" and not chosen:
            words.append(column)
        elif _is_index(column, values) and not chosen:
            ignored[column] = "a row count without a name"
        elif _is_numeric(kind):
            numbers.append(column)
        elif not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            ignored[column] = f"{kind}, neither a number nor text"
        elif table.num_rows > 10 and _distinct(values) >= 0.99 * table.num_rows and not chosen:
            _refuse_nearly_numeric(values, column, name)
            ignored[column] = "an id: another text in every row"
        else:
            if not chosen:
                _refuse_nearly_numeric(values, column, name)
            words.append(column)
    return numbers, words


def _is_numeric(kind: pa.DataType) -> bool:
    types = pa.types
    return any(is_kind(kind) for is_kind in (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal))


def _is_index(column: str, values: pa.ChunkedArray) -> bool:
    """Whether this is the index that pandas writes into a first column without a name."""
    if column not in {"column_1", "Unnamed: 0", "__index_level_0__"} or not pa.types.is_integer(values.type):
        return False
    return bool(pc.all(pc.equal(pc.pairwise_diff(values.combine_chunks(), 1).drop_null(), 1)).as_py())


def _refuse_nearly_numeric(values: pa.ChunkedArray, column: str, name: str) -> None:
    """Raise FileFormatError where a column of numbers became text because of a few cells that are none."""
    if pa.types.is_dictionary(values.type) or len(values) < 20:
        return
    numeric = pc.match_substring_regex(values, NUMBER)
    share = pc.mean(numeric.cast(pa.int8())).as_py() or 0.0
    if 0.95 <= share < 1.0:
        row = pc.index(numeric, value=False).as_py()
        raise FileFormatError(
            f"row {row + 1} of {name} has {column} = {values[row].as_py()!r}, no number, where nearly all have one; "
            "mend or empty that cell, or name the columns to use with --features"
        )
