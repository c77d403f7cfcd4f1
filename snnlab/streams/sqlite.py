"""The embedded bus: a durable log in one SQLite file, shared by the processes of a machine."""

import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from snnlab import tracing
from snnlab.database import Database
from snnlab.errors import BusError, ConfigError, EventError
from snnlab.events import EventBatch
from snnlab.events.anomaly import Anomaly
from snnlab.events.arrow import encode_events
from snnlab.events.shards import shards_of
from snnlab.streams.base import Backlog, DeadLetter, Hear, OnBadRow, Published, StreamInfo, Told
from snnlab.streams.letters import letters_after, open_letters, reopen, set_aside
from snnlab.streams.listeners import Listeners
from snnlab.streams.log import (
    LAYOUT,
    anomalies_of,
    anomaly_row,
    append,
    events_of,
    head,
    rows_after,
    unsealed,
    waiting_rows,
)
from snnlab.streams.sift import sift
from snnlab.streams.tracing import published, publishing

__all__ = ["SqliteBus"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_EVENTS_A_ROW = 4096


def _now_us() -> int:
    return time.time_ns() // 1000


class SqliteBus:
    """A durable log in one SQLite file.

    To publish events is one transaction, synced to the disk: all of its events are in the log, or none. A position
    counts the events of its shard from 0. Threads may share a bus; processes each open their own on the same file.
    ``clock`` tells the time in µs since 1970 UTC.

    >>> import tempfile
    >>> bus = SqliteBus(Path(tempfile.mkdtemp()) / "bus.db")
    >>> bus.create("web", shards=2).shards
    2
    >>> bus.publish("web", EventBatch.from_columns(np.ones((3, 1)), ["cpu"], entities=["a", "b", "a"])).accepted
    3
    >>> sum(len(batch) for shard in range(2) for _, batch in bus.consume("web", shard))
    3
    """

    def __init__(self, path: Path | str, *, clock: Callable[[], int] = _now_us, wait_s: float = 30.0) -> None:
        self._database = Database(path, LAYOUT, wait_s=wait_s)
        self._clock = clock
        self._known: dict[str, StreamInfo] = {}
        self._listeners = Listeners(self._database, _anomalies_of)

    @property
    def path(self) -> Path:
        """The file."""
        return self._database.path

    def create(self, stream: str, shards: int = 8) -> StreamInfo:
        """Make a stream; an existing one with as many shards is left as it is, with another number it is refused."""
        if not _NAME.fullmatch(stream):
            raise ConfigError(f"stream name {stream!r}: use letters, digits, '.', '_' and '-', at most 128")
        if not 1 <= shards <= 4096:
            raise ConfigError(f"{shards} shards for stream {stream!r}; 1 to 4096 are possible, 8 are usual")
        with self._database.write() as connection:
            connection.execute("INSERT OR IGNORE INTO streams VALUES (?, ?, ?)", (stream, shards, self._clock()))
        made = self.stream(stream)
        if made.shards != shards:
            raise BusError(
                f"stream {stream!r} has {made.shards} shards, not {shards}; a stream keeps its shards: "
                "ask for as many, or make a stream of another name"
            )
        return made

    def streams(self) -> list[StreamInfo]:
        """The streams there are, by name."""
        with self._database.read() as connection:
            return [StreamInfo(*row) for row in connection.execute("SELECT * FROM streams ORDER BY name")]

    def stream(self, name: str) -> StreamInfo:
        """One stream. Raises BusError where there is none of that name."""
        if name not in self._known:
            there = {info.name: info for info in self.streams()}
            if name not in there:
                raise BusError(
                    f"no stream {name!r}, only {', '.join(there) or 'none at all'}; make it with create({name!r})"
                )
            self._known[name] = there[name]
        return self._known[name]

    def publish(self, stream: str, batch: EventBatch, *, bad_rows: OnBadRow = "dead_letter") -> Published:
        """Append events, each to the shard of its entity; see ``Bus.publish``."""
        shards = self.stream(stream).shards
        good, reasons = sift(batch)
        if reasons and bad_rows == "refuse":
            raise EventError(f"{len(reasons)} of {len(batch)} events cannot be published; the first: {reasons[0]}")
        bad = batch.take(np.flatnonzero(~good)) if reasons else None
        positions: dict[int, int] = {}
        sound = batch.take(np.flatnonzero(good)) if reasons else batch
        with published("sqlite", stream, sound) as traced:
            rows = _rows_of(traced, shards)
            with self._database.write() as connection:
                for shard, count, body in rows:
                    positions[shard] = append(connection, stream, shard, count, body, self._clock())
                if bad is not None:
                    set_aside(connection, stream, bad, reasons, self._clock())
        return Published(int(good.sum()), len(reasons), positions)

    def consume(
        self, stream: str, shard: int, after: int | None = None, limit: int = 1000
    ) -> list[tuple[int, EventBatch]]:
        """Up to ``limit`` events after a position, in order; see ``Bus.consume``."""
        self._check_shard(stream, shard)
        start = -1 if after is None else after
        with self._database.read() as connection:
            rows = rows_after(connection, stream, shard, start, limit)
        read: list[tuple[int, EventBatch]] = []
        left = limit
        for row in rows:
            what = f"stream {stream!r}, shard {shard}, the row that ends at position {row.last}"
            batch = events_of(unsealed(self._database, row.body, row.checksum, what))
            first = row.last - row.count + 1
            skip = max(start + 1 - first, 0)
            stop = min(row.count, skip + left)
            read.append((first + stop - 1, batch.slice(skip, stop)))
            left -= stop - skip
        return read

    def positions(self, stream: str) -> dict[int, int]:
        """The last position of each shard that holds events."""
        self.stream(stream)
        with self._database.read() as connection:
            return head(connection, stream)

    def arrived(
        self, stream: str, shard: int, after: int | None = None, limit: int = 1000
    ) -> list[tuple[int, EventBatch]]:
        """Up to ``limit`` events after a position; all that there are are here."""
        return self.consume(stream, shard, after, limit) if self.waiting(stream, shard, after) else []

    def waiting(self, stream: str, shard: int, after: int | None = None) -> bool:
        """Whether a shard holds events after a position."""
        self._check_shard(stream, shard)
        query = "SELECT EXISTS (SELECT 1 FROM heads WHERE topic = ? AND shard = ? AND last > ?)"
        with self._database.read() as connection:
            (more,) = connection.execute(query, (stream, shard, -1 if after is None else after)).fetchone()
        return bool(more)

    def position_at(self, stream: str, shard: int, at: int) -> int | None:
        """The position after which the events published at a time (µs since 1970 UTC) or later come."""
        self._check_shard(stream, shard)
        query = "SELECT max(last) FROM log WHERE topic = ? AND shard = ? AND published_at < ?"
        with self._database.read() as connection:
            (found,) = connection.execute(query, (stream, shard, at)).fetchone()
        return None if found is None else int(found)

    def assigned(self, subscription: str, stream: str) -> list[int]:  # noqa: ARG002 - the same for all of them
        """All shards: processes share them by the leases of the store."""
        return list(range(self.stream(stream).shards))

    def leave(self, subscription: str, stream: str) -> None:
        """Nothing to leave: no opening holds shards of its own."""

    def commit(self, subscription: str, stream: str, shard: int, position: int) -> None:
        """Acknowledge a shard's events up to a position; an earlier one than the committed changes nothing."""
        self._check_shard(stream, shard)
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO offsets VALUES (?, ?, ?, ?) ON CONFLICT (subscription, stream, shard) "
                "DO UPDATE SET position = max(position, excluded.position)",
                (subscription, stream, shard, position),
            )

    def committed(self, subscription: str, stream: str, shard: int) -> int | None:
        """The position up to which a subscription has acknowledged a shard; None before its first."""
        self._check_shard(stream, shard)
        with self._database.read() as connection:
            found = connection.execute(
                "SELECT position FROM offsets WHERE subscription = ? AND stream = ? AND shard = ?",
                (subscription, stream, shard),
            ).fetchone()
        return None if found is None else int(found[0])

    def backlog(self, subscription: str, stream: str) -> Backlog:
        """What a subscription has not acknowledged of a stream."""
        self.stream(stream)
        with self._database.read() as connection:
            return Backlog(*waiting_rows(connection, stream, subscription))

    def seek(self, subscription: str, stream: str, shard: int, position: int | None) -> None:
        """Set a subscription's position, forward or back; None is before the first event."""
        self._check_shard(stream, shard)
        with self._database.write() as connection:
            connection.execute(
                "DELETE FROM offsets WHERE subscription = ? AND stream = ? AND shard = ?", (subscription, stream, shard)
            )
            if position is not None:
                connection.execute("INSERT INTO offsets VALUES (?, ?, ?, ?)", (subscription, stream, shard, position))

    def publish_anomalies(self, stream: str, anomalies: Sequence[Anomaly], *, synced: bool = True) -> int:
        """Append to the stream's anomalies; returns the last position, -1 where there is none yet."""
        self.stream(stream)
        topic = _anomalies_of(stream)
        if not anomalies:
            with self._database.read() as connection:
                return head(connection, topic).get(0, -1)
        with publishing("sqlite", topic, len(anomalies)):
            body = anomaly_row(anomalies, tracing.headers())
            with self._database.write(synced=synced) as connection:
                last = append(connection, topic, 0, len(anomalies), body, self._clock())
        first = last - len(anomalies) + 1
        self._listeners.tell(stream, Told(first - 1, tuple(enumerate(anomalies, start=first))))
        return last

    def listen(self, stream: str, hear: Hear) -> Callable[[], None]:
        """Call ``hear`` when anomalies of a stream come, whoever publishes them; see ``Bus.listen``."""
        return self._listeners.add(stream, hear)

    def consume_anomalies(self, stream: str, after: int | None = None, limit: int = 1000) -> list[tuple[int, Anomaly]]:
        """Up to ``limit`` anomalies of a stream after a position, in order."""
        self.stream(stream)
        start = -1 if after is None else after
        with self._database.read() as connection:
            rows = rows_after(connection, _anomalies_of(stream), 0, start, limit)
        read: list[tuple[int, Anomaly]] = []
        for row in rows:
            what = f"anomalies of stream {stream!r}, the row that ends at position {row.last}"
            found = anomalies_of(unsealed(self._database, row.body, row.checksum, what))
            read.extend(enumerate(found, start=row.last - row.count + 1))
        return [(position, anomaly) for position, anomaly in read if position > start][:limit]

    def dead_letter(self, stream: str, batch: EventBatch, reasons: Sequence[str]) -> int:
        """Set events aside, one reason an event; returns how many."""
        self.stream(stream)
        if len(reasons) != len(batch):
            raise BusError(f"{len(reasons)} reasons for {len(batch)} events; give one an event")
        with self._database.write() as connection:
            set_aside(connection, stream, batch, reasons, self._clock())
        return len(batch)

    def dead_letters(self, stream: str, after: int | None = None, limit: int = 1000) -> list[DeadLetter]:
        """Up to ``limit`` dead letters of a stream with an id above ``after``, in order."""
        self.stream(stream)
        return letters_after(self._database, stream, 0 if after is None else after, limit)

    def dead_letter_count(self, stream: str) -> int:
        """Dead letters of a stream that were not published again."""
        self.stream(stream)
        with self._database.read() as connection:
            query = "SELECT count(*) FROM dead_letters WHERE stream = ? AND replayed_at IS NULL"
            return int(connection.execute(query, (stream,)).fetchone()[0])

    def replay_dead_letters(self, stream: str, ids: Sequence[int] | None = None) -> Published:
        """Publish dead letters again; see ``Bus.replay_dead_letters``."""
        shards = self.stream(stream).shards
        letters = open_letters(self._database, stream, ids)
        able = [letter for letter in letters if sift(letter.event)[0].all()]
        positions: dict[int, int] = {}
        accepted = 0
        with self._database.write() as connection:
            for letter in able:
                if not reopen(connection, letter.id, self._clock()):
                    continue
                accepted += 1
                for shard, count, body in _rows_of(letter.event, shards):
                    positions[shard] = append(connection, stream, shard, count, body, self._clock())
        return Published(accepted, len(letters) - len(able), positions)

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        self._listeners.close()
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check_shard(self, stream: str, shard: int) -> None:
        shards = self.stream(stream).shards
        if not 0 <= shard < shards:
            raise BusError(f"stream {stream!r} has no shard {shard}; it has 0 to {shards - 1}")


def _anomalies_of(stream: str) -> str:
    """The topic of a stream's anomalies; no stream's name has a slash."""
    return f"{stream}/anomalies"


def _rows_of(batch: EventBatch, shards: int) -> list[tuple[int, int, bytes]]:
    """Shard, count and bytes of the rows that a batch becomes, encoded before the file is locked."""
    chosen = shards_of(batch.entities, shards)
    rows = []
    for shard in np.unique(chosen).tolist():
        at = np.flatnonzero(chosen == shard)
        part = batch if len(at) == len(batch) else batch.take(at)
        for start in range(0, len(part), _EVENTS_A_ROW):
            piece = part.slice(start, start + _EVENTS_A_ROW)
            rows.append((shard, len(piece), encode_events(piece)))
    return rows
