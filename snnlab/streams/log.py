"""The file behind the embedded bus: topics, rows of bytes with their checksums, offsets and dead letters.

Events are rows of Arrow, many in each. Anomalies are rows of JSON, mostly one in each, for which sockets wait.
"""

import json
import sqlite3
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from snnlab.database import Database, Layout
from snnlab.errors import BusCorrupt, BusError
from snnlab.events import EventBatch
from snnlab.events.anomaly import Anomaly
from snnlab.events.arrow import decode_anomalies

__all__ = [
    "LAYOUT", "Row", "anomalies_of", "anomaly_row", "append", "events_of", "head", "rows_after", "unsealed",
    "waiting_rows",
]  # fmt: skip

LAYOUT = Layout(
    purpose="bus file",
    application=0x736E6E62,
    version=2,  # 1 had anomalies as Arrow, which are still read
    failed=BusError,
    damaged=BusCorrupt,
    way_out=(
        "move it aside and save what can still be read with "
        "snnlab.streams.salvage.salvage('{path}', NEW_FILE), or publish again to a new file"
    ),
    schema="""
CREATE TABLE IF NOT EXISTS streams (
  name TEXT PRIMARY KEY, shards INTEGER NOT NULL, created_at INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS heads (
  topic TEXT, shard INTEGER, last INTEGER NOT NULL, PRIMARY KEY (topic, shard)) STRICT;
CREATE TABLE IF NOT EXISTS log (
  id INTEGER PRIMARY KEY, topic TEXT NOT NULL, shard INTEGER NOT NULL, last INTEGER NOT NULL, count INTEGER NOT NULL,
  published_at INTEGER NOT NULL, checksum INTEGER NOT NULL, body BLOB NOT NULL, UNIQUE (topic, shard, last)) STRICT;
CREATE TABLE IF NOT EXISTS offsets (
  subscription TEXT, stream TEXT, shard INTEGER, position INTEGER NOT NULL,
  PRIMARY KEY (subscription, stream, shard)) STRICT;
CREATE TABLE IF NOT EXISTS dead_letters (
  id INTEGER PRIMARY KEY AUTOINCREMENT, stream TEXT NOT NULL, event_id TEXT NOT NULL, reason TEXT NOT NULL,
  at INTEGER NOT NULL, replayed_at INTEGER, checksum INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS dead_letters_of_stream ON dead_letters (stream, id)""",
)


@dataclass(frozen=True)
class Row:
    """One row of a topic's shard: ``count`` items, of which the last has position ``last``."""

    last: int
    count: int
    checksum: int
    body: bytes


def append(connection: sqlite3.Connection, topic: str, shard: int, count: int, body: bytes, now_us: int) -> int:
    """Append a row of ``count`` items to a shard; returns the position of its last item."""
    (last,) = connection.execute(
        "INSERT INTO heads VALUES (?, ?, ?) "
        "ON CONFLICT (topic, shard) DO UPDATE SET last = last + excluded.last + 1 RETURNING last",
        (topic, shard, count - 1),
    ).fetchone()
    connection.execute(
        "INSERT INTO log (topic, shard, last, count, published_at, checksum, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (topic, shard, last, count, now_us, zlib.crc32(body), body),
    )
    return int(last)


def head(connection: sqlite3.Connection, topic: str) -> dict[int, int]:
    """The last position of each shard of a topic that holds anything."""
    return dict(connection.execute("SELECT shard, last FROM heads WHERE topic = ? ORDER BY shard", (topic,)))


def waiting_rows(connection: sqlite3.Connection, topic: str, subscription: str) -> tuple[int, int | None]:
    """How many rows of a topic a subscription has not acknowledged whole, and when the first was published (µs)."""
    query = "SELECT shard, position FROM offsets WHERE subscription = ? AND stream = ?"
    done = dict(connection.execute(query, (subscription, topic)))
    count, oldest = 0, []
    for shard in head(connection, topic):  # each by itself: then the index alone tells how many there are
        after = (topic, shard, done.get(shard, -1))
        where = "FROM log WHERE topic = ? AND shard = ? AND last > ?"
        count += connection.execute(f"SELECT count(*) {where}", after).fetchone()[0]
        oldest += connection.execute(f"SELECT published_at {where} ORDER BY last LIMIT 1", after).fetchall()
    return count, min((at for (at,) in oldest), default=None)


def rows_after(connection: sqlite3.Connection, topic: str, shard: int, after: int, limit: int) -> list[Row]:
    """Rows that hold the ``limit`` items after a position; the first may begin, and the last end, beyond them."""
    cursor = connection.execute(
        "SELECT last, count, checksum, body FROM log WHERE topic = ? AND shard = ? AND last > ? ORDER BY last",
        (topic, shard, after),
    )
    rows: list[Row] = []
    held = 0
    for found in cursor:
        row = Row(*found)
        rows.append(row)
        held += min(row.count, row.last - after)
        if held >= limit:
            break
    return rows


def unsealed(database: Database, body: bytes, checksum: int, what: str) -> bytes:
    """The bytes of a row, if they are those that were written. Raises BusCorrupt where they are not."""
    if zlib.crc32(body) != checksum:
        raise database.corrupt(f"{what} does not match its checksum")
    return body


def events_of(body: bytes) -> EventBatch:
    """The events of a row whose checksum holds; they were checked when they came, and a dead letter may hold a NaN."""
    with pa.ipc.open_stream(pa.py_buffer(body)) as reader:
        return EventBatch(reader.read_next_batch())


def anomaly_row(anomalies: Sequence[Anomaly], beside: Mapping[str, str]) -> bytes:
    """The bytes of anomalies, with what else is told of them (``traceparent``).

    >>> anomalies_of(anomaly_row([Anomaly("1f", 7, "api_abuse", 0.5, entity="bob")], {}))[0].entity
    'bob'
    """
    return json.dumps({**beside, "anomalies": [one.to_json() for one in anomalies]}).encode()


def anomalies_of(body: bytes) -> list[Anomaly]:
    """The anomalies of a row whose checksum holds; earlier versions wrote them as Arrow."""
    if body[:1] != b"{":
        return decode_anomalies(body)
    return [Anomaly.from_json(one) for one in json.loads(body)["anomalies"]]
