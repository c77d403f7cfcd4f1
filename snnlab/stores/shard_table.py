"""Leases and checkpoints in the embedded store: a shard is written only by who holds its latest epoch."""

import sqlite3
from collections.abc import Mapping, Sequence

from snnlab.stores import piece_table
from snnlab.stores.base import Checkpoint, Lease, ShardKey

__all__ = ["acquire", "forget", "held", "is_held", "last_checkpoint", "release", "renew", "rows_of", "save"]

_KEY = "model = ? AND stream = ? AND shard = ?"


def acquire(connection: sqlite3.Connection, key: ShardKey, owner: str, now_us: int, hold_us: int) -> Lease | None:
    """Take a shard that is free, expired or the owner's own; the epoch goes up each time."""
    found = connection.execute(
        "INSERT INTO leases VALUES (?, ?, ?, ?, 1, ?) ON CONFLICT (model, stream, shard) DO UPDATE "
        "SET owner = excluded.owner, epoch = epoch + 1, expires_at = excluded.expires_at "
        "WHERE owner = excluded.owner OR expires_at <= ? RETURNING epoch",
        (*key, owner, now_us + hold_us, now_us),
    ).fetchone()
    return None if found is None else Lease(key, owner, found[0], now_us + hold_us)


def renew(connection: sqlite3.Connection, lease: Lease, now_us: int, hold_us: int) -> Lease | None:
    """Hold a shard longer, if the epoch is still the lease's."""
    return _moved(connection, lease, now_us + hold_us)


def release(connection: sqlite3.Connection, lease: Lease, now_us: int) -> bool:
    """Let a lease expire now, if the epoch is still the lease's."""
    return _moved(connection, lease, now_us) is not None


def _moved(connection: sqlite3.Connection, lease: Lease, expires_at: int) -> Lease | None:
    query = f"UPDATE leases SET expires_at = ? WHERE {_KEY} AND epoch = ?"  # noqa: S608 - own condition
    moved = connection.execute(query, (expires_at, *lease.key, lease.epoch)).rowcount
    return Lease(lease.key, lease.owner, lease.epoch, expires_at) if moved else None


def held(connection: sqlite3.Connection, now_us: int) -> list[Lease]:
    """The leases that have not expired."""
    query = "SELECT model, stream, shard, owner, epoch, expires_at FROM leases WHERE expires_at > ? ORDER BY 1, 2, 3"
    found = connection.execute(query, (now_us,))
    return [Lease(ShardKey(*row[:3]), *row[3:]) for row in found]


def is_held(connection: sqlite3.Connection, lease: Lease) -> bool:
    """Whether the epoch is still the lease's."""
    query = f"SELECT epoch FROM leases WHERE {_KEY}"  # noqa: S608 - own condition
    return bool(connection.execute(query, lease.key).fetchone() == (lease.epoch,))


def save(
    connection: sqlite3.Connection,
    lease: Lease,
    position: int,
    head: bytes,
    rows: Mapping[str, bytes],
    now_us: int,
) -> bool:
    """Write a checkpoint and its rows, if the epoch is still the lease's."""
    if not is_held(connection, lease):
        return False
    connection.execute(
        "INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?, ?, ?, ?)",
        (*lease.key, position, lease.epoch, now_us, head),
    )
    connection.executemany(
        "INSERT OR REPLACE INTO entity_rows VALUES (?, ?, ?, ?, ?)",
        [(*lease.key, entity, body) for entity, body in rows.items()],
    )
    return True


def forget(connection: sqlite3.Connection, key: ShardKey, now_us: int) -> bool:
    """Remove a shard's checkpoint and rows, and the right to write it; False where somebody holds it."""
    query = f"SELECT epoch, expires_at FROM leases WHERE {_KEY}"  # noqa: S608 - own condition
    found = connection.execute(query, key).fetchone()
    if found is None:
        return True
    if found[1] > now_us:
        return False
    # The lease stays, an epoch on: who held it before finds another there.
    connection.execute(f"UPDATE leases SET epoch = epoch + 1 WHERE {_KEY}", key)  # noqa: S608 - own condition
    for table in ("checkpoints", "checkpoint_pieces", "entity_rows"):
        connection.execute(f"DELETE FROM {table} WHERE {_KEY}", key)  # noqa: S608 - own words
    return True


def last_checkpoint(connection: sqlite3.Connection, key: ShardKey) -> Checkpoint | None:
    """The last checkpoint of a shard."""
    query = f"SELECT position, epoch, saved_at, learned FROM checkpoints WHERE {_KEY}"  # noqa: S608 - own condition
    found = connection.execute(query, key).fetchone()
    if found is None:
        return None
    position, epoch, saved_at, head = found
    return Checkpoint(key, position, epoch, saved_at, head, piece_table.named(connection, key))


def rows_of(connection: sqlite3.Connection, key: ShardKey, entities: Sequence[str] | None) -> dict[str, bytes]:
    """Rows of a shard's entities: those named that there are, or all."""
    query = f"SELECT entity, body FROM entity_rows WHERE {_KEY}"  # noqa: S608 - own condition
    if entities is None:
        return dict(connection.execute(query, key))
    one = f"{query} AND entity = ?"
    found = (connection.execute(one, (*key, entity)).fetchone() for entity in entities)
    return {row[0]: row[1] for row in found if row is not None}
