"""Pieces of checkpoints in the embedded store: written one by one, and named all together."""

import json
import sqlite3
from collections.abc import Mapping, Sequence

from snnlab.errors import NothingThere, StoreError
from snnlab.stores.base import ShardKey

__all__ = ["name", "named", "others", "put", "read", "remove"]

_KEY = "model = ? AND stream = ? AND shard = ?"


def put(connection: sqlite3.Connection, key: ShardKey, pieces: Mapping[str, bytes]) -> None:
    """Write pieces."""
    rows = [(*key, one, body) for one, body in pieces.items()]
    connection.executemany("INSERT OR REPLACE INTO pieces VALUES (?, ?, ?, ?, ?)", rows)


def name(connection: sqlite3.Connection, key: ShardKey, names: Sequence[str]) -> None:
    """Let these be the pieces of a shard's checkpoint. Raises StoreError where one is not there."""
    missing = set(names) - _there(connection, key)
    if missing:
        raise StoreError(f"a checkpoint of {key} names pieces that were not put: {', '.join(sorted(missing)[:3])}")
    row = (*key, json.dumps(list(names)))
    connection.execute("INSERT OR REPLACE INTO checkpoint_pieces VALUES (?, ?, ?, ?)", row)


def named(connection: sqlite3.Connection, key: ShardKey) -> tuple[str, ...]:
    """The pieces of a shard's checkpoint."""
    query = f"SELECT names FROM checkpoint_pieces WHERE {_KEY}"  # noqa: S608 - own condition
    found = connection.execute(query, key).fetchone()
    return tuple(json.loads(found[0])) if found else ()


def others(connection: sqlite3.Connection, key: ShardKey) -> list[str]:
    """The pieces of a shard that its checkpoint does not name."""
    return sorted(_there(connection, key) - set(named(connection, key)))


def remove(connection: sqlite3.Connection, key: ShardKey, names: Sequence[str]) -> None:
    """Remove pieces."""
    query = f"DELETE FROM pieces WHERE {_KEY} AND name = ?"  # noqa: S608 - own condition
    connection.executemany(query, [(*key, one) for one in names])


def read(connection: sqlite3.Connection, key: ShardKey, one: str) -> bytes:
    """A piece. Raises NothingThere."""
    query = f"SELECT body FROM pieces WHERE {_KEY} AND name = ?"  # noqa: S608 - own condition
    found = connection.execute(query, (*key, one)).fetchone()
    if found is None:
        raise NothingThere(f"piece {one} of the checkpoint of {key} is gone; load the checkpoint again")
    return bytes(found[0])


def _there(connection: sqlite3.Connection, key: ShardKey) -> set[str]:
    query = f"SELECT name FROM pieces WHERE {_KEY}"  # noqa: S608 - own condition
    return {one for (one,) in connection.execute(query, key)}
