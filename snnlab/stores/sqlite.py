"""The embedded store: one SQLite file, shared by the processes of a machine."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self

from snnlab.database import Database
from snnlab.errors import ConfigError, ModelFormatError, ModelNotFound
from snnlab.events.anomaly import Anomaly
from snnlab.stores import anomaly_table, piece_table, shard_table
from snnlab.stores.base import AnomalyFilter, AnomalyPage, Checkpoint, Lease, ModelRecord, Pattern, ShardKey
from snnlab.stores.layout import LAYOUT

__all__ = ["SqliteStore"]

_AT_ONCE = 500  # expired anomalies that one transaction removes

_REMOVED_AT_ONCE = 4
_ALIVE = "(expires_at IS NULL OR expires_at > ?)"


def _now_us() -> int:
    return time.time_ns() // 1000


class SqliteStore:
    """Anomalies, models, records, leases, checkpoints in one SQLite file; see ``Store`` for what each method does.

    Threads may share a store; processes each open their own on the same file. ``clock`` tells the time in µs since
    1970 UTC: leases and expiry are measured by it.

    >>> import tempfile
    >>> store = SqliteStore(Path(tempfile.mkdtemp()) / "store.db")
    >>> store.put_anomalies([Anomaly("1f", 7, "latency_spike", 0.5, entity="web-1")])
    >>> [found.entity for found in store.anomalies(AnomalyFilter(severity_min=0.4)).items]
    ['web-1']
    """

    def __init__(self, path: Path | str, *, clock: Callable[[], int] = _now_us, wait_s: float = 30.0) -> None:
        self._database = Database(path, LAYOUT, wait_s=wait_s)
        self._clock = clock

    @property
    def path(self) -> Path:
        """The file."""
        return self._database.path

    def put_anomalies(self, anomalies: Sequence[Anomaly], *, keep_s: float | None = None, synced: bool = True) -> None:
        """Write anomalies; one whose id is there is written over."""
        expires_at = None if keep_s is None else self._clock() + int(keep_s * 1e6)
        with self._database.write(synced=synced) as connection:
            anomaly_table.write(connection, anomalies, expires_at)

    def anomalies(
        self, wanted: AnomalyFilter | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> AnomalyPage:
        """A page of the anomalies that are wanted, newest first."""
        if not 1 <= limit <= 10_000:
            raise ConfigError(f"a page of {limit} anomalies; ask for 1 to 10000, and follow the cursor for more")
        with self._database.read() as connection:
            return anomaly_table.page(connection, wanted or AnomalyFilter(), limit, cursor, self._clock())

    def anomaly(self, anomaly_id: str) -> Anomaly | None:
        """One anomaly; None where there is none of that id."""
        with self._database.read() as connection:
            return anomaly_table.find(connection, anomaly_id, self._clock())

    def expire(self) -> int:
        """Remove the anomalies and records whose time has come; returns how many anomalies there were.

        A few at a time: whoever else writes does not wait for all of them.
        """
        with self._database.write() as connection:
            connection.execute("DELETE FROM records WHERE expires_at <= ?", (self._clock(),))
        due = "SELECT rowid FROM anomalies WHERE expires_at <= ? LIMIT ?"
        removed, found = 0, _AT_ONCE
        while found == _AT_ONCE:
            with self._database.write() as connection:
                query = f"DELETE FROM anomalies WHERE rowid IN ({due})"  # noqa: S608 - our own words
                found = connection.execute(query, (self._clock(), _AT_ONCE)).rowcount
            removed += found
        return removed

    def put_model(self, name: str, body: bytes, metadata: Mapping[str, object] | None = None) -> ModelRecord:
        """Keep a model's bytes as the next version of that name, counted from 1."""
        digest, now, known = sha256(body).hexdigest(), self._clock(), dict(metadata or {})
        with self._database.write() as connection:
            query = "SELECT coalesce(max(version), 0) + 1 FROM models WHERE name = ?"
            (version,) = connection.execute(query, (name,)).fetchone()
            row = (name, version, digest, now, json.dumps(known), body)
            connection.execute("INSERT INTO models VALUES (?, ?, ?, ?, ?, ?)", row)
        return ModelRecord(name, version, digest, now, known, body)

    def get_model(self, name: str, version: int | None = None) -> ModelRecord:
        """A version of a model, the latest unless said; its bytes are checked against their digest."""
        with self._database.read() as connection:
            found = connection.execute(
                "SELECT name, version, digest, created_at, metadata, body FROM models "
                "WHERE name = ?1 AND (version = ?2 OR ?2 IS NULL) ORDER BY version DESC LIMIT 1",
                (name, version),
            ).fetchone()
        if found is None:
            asked = name if version is None else f"{name} version {version}"
            there = ", ".join(f"{record.name} 1-{record.version}" for record in self.list_models()) or "none"
            raise ModelNotFound(f"no model {asked!r} in {self.path}; there is {there}")
        body = found[5]
        if sha256(body).hexdigest() != found[2]:
            raise ModelFormatError(
                f"model {name!r} version {found[1]} in {self.path} does not match its digest {found[2][:12]}; "
                "put it again from the registry, or ask for another version"
            )
        return _record(*found)

    def list_models(self) -> list[ModelRecord]:
        """The latest version of each model by name, without the bytes."""
        query = "SELECT name, max(version), digest, created_at, metadata FROM models GROUP BY name ORDER BY name"
        with self._database.read() as connection:
            found = connection.execute(query).fetchall()
        return [_record(*row) for row in found]

    def put_pattern(self, pattern: Pattern) -> None:
        """Keep a pattern; one whose id is there is written over."""
        row = (pattern.pattern_id, pattern.name, pattern.anomaly_type, pattern.created_at, pattern.model)
        with self._database.write() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO patterns VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*row, json.dumps(pattern.metadata), pattern.body),
            )

    def patterns(self, *, model: str | None = None) -> list[Pattern]:
        """The patterns, oldest first; those of one model and those of no model, or all."""
        query = "SELECT * FROM patterns WHERE ?1 IS NULL OR model IN (?1, '') ORDER BY created_at, pattern_id"
        with self._database.read() as connection:
            found = connection.execute(query, (model,)).fetchall()
        return [_pattern(*row) for row in found]

    def delete_pattern(self, pattern_id: str) -> bool:
        """Forget a pattern; False where there is none of that id."""
        with self._database.write() as connection:
            return connection.execute("DELETE FROM patterns WHERE pattern_id = ?", (pattern_id,)).rowcount == 1

    def put_record(self, kind: str, name: str, body: bytes, *, keep_s: float | None = None) -> None:
        """Write a small record that replicas share; see ``Store.put_record``."""
        expires_at = None if keep_s is None else self._clock() + int(keep_s * 1e6)
        with self._database.write() as connection:
            connection.execute("INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?)", (kind, name, expires_at, body))

    def record(self, kind: str, name: str) -> bytes | None:
        """A record; None where there is none of that kind and name, or none any more."""
        query = f"SELECT body FROM records WHERE kind = ? AND name = ? AND {_ALIVE}"  # noqa: S608 - own condition
        with self._database.read() as connection:
            found = connection.execute(query, (kind, name, self._clock())).fetchone()
        return None if found is None else bytes(found[0])

    def records(self, kind: str) -> dict[str, bytes]:
        """The records of a kind, by name."""
        query = f"SELECT name, body FROM records WHERE kind = ? AND {_ALIVE} ORDER BY name"  # noqa: S608 - the same
        with self._database.read() as connection:
            return dict(connection.execute(query, (kind, self._clock())).fetchall())

    def delete_record(self, kind: str, name: str) -> bool:
        """Remove a record; False where there is none."""
        with self._database.write() as connection:
            query = "DELETE FROM records WHERE kind = ? AND name = ?"
            return connection.execute(query, (kind, name)).rowcount == 1

    def acquire(self, key: ShardKey, owner: str, *, hold_s: float) -> Lease | None:
        """Take a shard for ``hold_s`` seconds; None while another owner holds it."""
        with self._database.write() as connection:
            return shard_table.acquire(connection, key, owner, self._clock(), int(hold_s * 1e6))

    def renew(self, lease: Lease, *, hold_s: float) -> Lease | None:
        """Hold a shard ``hold_s`` seconds from now; None where it was lost meanwhile."""
        with self._database.write() as connection:
            return shard_table.renew(connection, lease, self._clock(), int(hold_s * 1e6))

    def release(self, lease: Lease) -> bool:
        """Give a shard back; False where it was lost meanwhile."""
        with self._database.write() as connection:
            return shard_table.release(connection, lease, self._clock())

    def leases(self) -> list[Lease]:
        """The leases that are held now."""
        with self._database.read() as connection:
            return shard_table.held(connection, self._clock())

    def put_pieces(self, lease: Lease, pieces: Mapping[str, bytes]) -> bool:
        """Write pieces of the next checkpoint, if the lease's epoch still holds."""
        with self._database.write() as connection:
            held = shard_table.is_held(connection, lease)
            if held:
                piece_table.put(connection, lease.key, pieces)
            return held

    def save(
        self, lease: Lease, position: int, head: bytes, rows: Mapping[str, bytes], pieces: Sequence[str] = ()
    ) -> bool:
        """Write a checkpoint, the rows that changed and which pieces are its, if the lease's epoch still holds."""
        with self._database.write() as connection:
            if not shard_table.save(connection, lease, position, head, rows, self._clock()):
                return False
            piece_table.name(connection, lease.key, pieces)
            left = piece_table.others(connection, lease.key)
        self._remove_pieces(lease.key, left)
        return True

    def load(self, key: ShardKey) -> Checkpoint | None:
        """The last checkpoint of a shard; None before its first."""
        with self._database.read() as connection:
            return shard_table.last_checkpoint(connection, key)

    def rows(self, key: ShardKey, entities: Sequence[str] | None = None) -> dict[str, bytes]:
        """Rows of a shard as of the last checkpoint: those named that there are, or all."""
        with self._database.read() as connection:
            return shard_table.rows_of(connection, key, entities)

    def pieces(self, key: ShardKey, names: Sequence[str]) -> Iterator[bytes]:
        """Pieces of a shard. Raises NothingThere for one that is gone."""
        for one in names:
            with self._database.read() as connection:
                body = piece_table.read(connection, key, one)
            yield body

    def forget(self, key: ShardKey) -> bool:
        """Remove a shard's checkpoint with its rows and pieces; False while somebody holds the shard."""
        with self._database.write() as connection:
            if not shard_table.forget(connection, key, self._clock()):
                return False
            left = piece_table.others(connection, key)
        self._remove_pieces(key, left)
        return True

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _remove_pieces(self, key: ShardKey, names: Sequence[str]) -> None:
        for start in range(0, len(names), _REMOVED_AT_ONCE):  # in steps, so that nobody waits long for the file
            with self._database.write() as connection:
                piece_table.remove(connection, key, names[start : start + _REMOVED_AT_ONCE])


def _record(name: str, version: int, digest: str, created_at: int, metadata: str, body: bytes = b"") -> ModelRecord:
    return ModelRecord(name, version, digest, created_at, json.loads(metadata), body)


def _pattern(
    pattern_id: str, name: str, anomaly_type: str, created_at: int, model: str, metadata: str, body: bytes
) -> Pattern:
    return Pattern(pattern_id, name, anomaly_type, created_at, model, json.loads(metadata), body)
