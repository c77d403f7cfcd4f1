"""Dead letters of the embedded bus: events set aside with the reason, to be looked at and published again."""

import sqlite3
import zlib
from collections.abc import Sequence

from snnlab.database import Database
from snnlab.errors import BusError
from snnlab.events import EventBatch
from snnlab.events.arrow import encode_events
from snnlab.streams.base import DeadLetter
from snnlab.streams.log import events_of, unsealed

__all__ = ["letters_after", "open_letters", "reopen", "set_aside"]

_COLUMNS = "id, stream, event_id, reason, at, replayed_at, checksum, body"


def set_aside(
    connection: sqlite3.Connection, stream: str, batch: EventBatch, reasons: Sequence[str], now_us: int
) -> None:
    """Write the events of a batch as dead letters, one reason an event."""
    rows = []
    for row, (event_id, reason) in enumerate(zip(batch.event_ids, reasons, strict=True)):
        body = encode_events(batch.take([row]))
        rows.append((stream, event_id, reason, now_us, zlib.crc32(body), body))
    connection.executemany(
        "INSERT INTO dead_letters (stream, event_id, reason, at, checksum, body) VALUES (?, ?, ?, ?, ?, ?)", rows
    )


def letters_after(database: Database, stream: str, after: int, limit: int) -> list[DeadLetter]:
    """Up to ``limit`` dead letters with an id above ``after``, in order."""
    query = f"SELECT {_COLUMNS} FROM dead_letters WHERE stream = ? AND id > ? ORDER BY id LIMIT ?"  # noqa: S608 - own columns
    with database.read() as connection:
        found = connection.execute(query, (stream, after, limit)).fetchall()
    return [_letter(database, row) for row in found]


def open_letters(database: Database, stream: str, ids: Sequence[int] | None) -> list[DeadLetter]:
    """Dead letters that were not published again, those named or all; raises BusError for an id that is none."""
    query = f"SELECT {_COLUMNS} FROM dead_letters WHERE stream = ? AND replayed_at IS NULL ORDER BY id"  # noqa: S608 - own columns
    with database.read() as connection:
        found = connection.execute(query, (stream,)).fetchall()
    if ids is not None:
        missing = sorted(set(ids) - {row[0] for row in found})
        if missing:
            raise BusError(
                f"no dead letter {missing[0]} of stream {stream!r} waits to be replayed; dead_letters() lists them"
            )
        found = [row for row in found if row[0] in set(ids)]
    return [_letter(database, row) for row in found]


def reopen(connection: sqlite3.Connection, letter: int, now_us: int) -> bool:
    """Mark a letter as published again; False where another process was faster."""
    query = "UPDATE dead_letters SET replayed_at = ? WHERE id = ? AND replayed_at IS NULL"
    return connection.execute(query, (now_us, letter)).rowcount == 1


def _letter(database: Database, row: tuple[int, str, str, str, int, int | None, int, bytes]) -> DeadLetter:
    letter, stream, event_id, reason, at, replayed_at, checksum, body = row
    event = events_of(unsealed(database, body, checksum, f"dead letter {letter} of stream {stream!r}"))
    return DeadLetter(letter, stream, event_id, reason, at, replayed_at, event)
