"""Save from a damaged bus file what can still be read."""

import sqlite3
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snnlab.database import Database
from snnlab.errors import BusError
from snnlab.streams.log import LAYOUT

__all__ = ["Salvaged", "salvage"]

_TABLES = {
    "streams": ("name, shards, created_at", None),
    "heads": ("topic, shard, last", None),
    "log": ("id, topic, shard, last, count, published_at, checksum, body", (6, 7)),
    "offsets": ("subscription, stream, shard, position", None),
    "dead_letters": ("id, stream, event_id, reason, at, replayed_at, checksum, body", (6, 7)),
}


@dataclass(frozen=True)
class Salvaged:
    """Rows of the log saved and rows of it that could not be read or do not match their checksum."""

    saved: int
    lost: int


def salvage(damaged: Path | str, target: Path | str) -> Salvaged:
    """Copy every row that can be read, and that matches its checksum, to a new bus file; positions stay as they are.

    The damaged file is only read. Raises BusError where ``target`` exists, or where so much is damaged that a whole
    table cannot be read.
    """
    if Path(target).exists():
        raise BusError(f"{target} exists; name a file that does not, the salvaged bus is written there")
    source = sqlite3.connect(f"file:{Path(damaged).absolute()}?mode=ro", uri=True)
    database = Database(target, LAYOUT)
    try:
        with database.write() as connection:
            salvaged = _copied(source, connection)
    except (sqlite3.DatabaseError, BusError) as wrong:
        database.close()
        Path(target).unlink()
        raise BusError(f"{damaged} cannot be salvaged: {wrong}; publish the events again to a new file") from wrong
    finally:
        source.close()
        database.close()
    return salvaged


def _copied(source: sqlite3.Connection, connection: sqlite3.Connection) -> Salvaged:
    counts = {True: 0, False: 0}
    for table, (columns, seal) in _TABLES.items():
        for row in _rows(source, table, columns):
            whole = row is not None and (seal is None or zlib.crc32(row[seal[1]]) == row[seal[0]])
            if table == "log":
                counts[whole] += 1
            if row is not None and whole:
                marks = ", ".join("?" * len(row))
                connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", row)  # noqa: S608 - own names
    return Salvaged(saved=counts[True], lost=counts[False])


def _rows(source: sqlite3.Connection, table: str, columns: str) -> Iterator[tuple[Any, ...] | None]:
    """The rows of a table one by one, None for each that cannot be read."""
    (top,) = source.execute(f"SELECT max(rowid) FROM {table}").fetchone()  # noqa: S608 - own names
    for rowid in range(1, (top or 0) + 1):
        try:
            row = source.execute(f"SELECT {columns} FROM {table} WHERE rowid = ?", (rowid,)).fetchone()  # noqa: S608
        except sqlite3.DatabaseError:
            yield None
        else:
            if row is not None:
                yield row
