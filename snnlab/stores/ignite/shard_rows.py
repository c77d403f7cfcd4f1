"""Leases and checkpoints in Ignite: a shard is written only by who holds its latest epoch."""

import json
import struct
from collections.abc import Mapping, Sequence

from snnlab.errors import NothingThere, StoreError
from snnlab.stores.base import Checkpoint, Lease, ShardKey
from snnlab.stores.ignite.kept import Kept, key_of, parts_of

__all__ = ["acquire", "forget", "held", "last_checkpoint", "move", "pieces_of", "put_pieces", "rows_of", "save"]

_MARK = b"snnlab-2"  # no position is as great as these bytes say
_HEAD = struct.Struct(">qqq")  # position, epoch and time of a checkpoint
_LENGTH = struct.Struct(">q")  # of the names of its pieces, before the head


def acquire(kept: Kept, key: ShardKey, owner: str, now_us: int, hold_us: int) -> Lease | None:
    """Take a shard that is free, expired or the owner's own; the epoch goes up each time."""
    with kept.transaction():
        last = _lease(kept, key)
        if last is not None and last.owner != owner and last.expires_at > now_us:
            return None
        lease = Lease(key, owner, last.epoch + 1 if last else 1, now_us + hold_us)
        _write(kept, lease)
        return lease


def move(kept: Kept, lease: Lease, expires_at: int) -> Lease | None:
    """Let a lease expire at another time, if the epoch is still its own."""
    with kept.transaction():
        last = _lease(kept, lease.key)
        if last is None or last.epoch != lease.epoch:
            return None
        moved = Lease(lease.key, lease.owner, lease.epoch, expires_at)
        _write(kept, moved)
        return moved


def held(kept: Kept, now_us: int) -> list[Lease]:
    """The leases that have not expired, by key."""
    found = [_read(key, value) for key, value in kept.below("lease").items()]
    return sorted((lease for lease in found if lease.expires_at > now_us), key=lambda lease: lease.key)


def put_pieces(kept: Kept, lease: Lease, pieces: Mapping[str, bytes]) -> bool:
    """Write pieces, if the epoch is the lease's. The lease is not locked: what is put too late, nothing names.

    Their names are listed first, a list an epoch: a query for the keys of pieces would read the pieces, too.
    """
    last = _lease(kept, lease.key)
    if last is None or last.epoch != lease.epoch:
        return False
    _list(kept, lease, [*_listed(kept, lease), *pieces])
    for name, body in pieces.items():
        kept.put(key_of("piece", *lease.key, name), body)
    return True


def save(
    kept: Kept,
    lease: Lease,
    position: int,
    head: bytes,
    rows: Mapping[str, bytes],
    pieces: Sequence[str],
    now_us: int,
) -> bool:
    """Write a checkpoint and its rows, if the epoch is still the lease's: the lease stays locked until all is written.

    Returns False, and writes nothing, where it is not. Raises StoreError where a piece is not there.
    """
    lists = kept.below("pieces", *lease.key)
    there = {name for names in lists.values() for name in json.loads(names)}
    missing = set(pieces) - there
    with kept.transaction():
        last = _lease(kept, lease.key)
        if last is None or last.epoch != lease.epoch:
            return False
        if missing:
            raise StoreError(
                f"a checkpoint of {lease.key} names pieces that were not put: {', '.join(sorted(missing)[:3])}"
            )
        names = json.dumps(list(pieces)).encode()
        body = _MARK + _HEAD.pack(position, lease.epoch, now_us) + _LENGTH.pack(len(names)) + names + head
        kept.put(key_of("checkpoint", *lease.key), body)
        kept.put_all({key_of("row", *lease.key, entity): body for entity, body in rows.items()})
    kept.remove_all([key_of("piece", *lease.key, name) for name in sorted(there - set(pieces))])
    _list(kept, lease, pieces)
    kept.remove_all([key for key in lists if key != key_of("pieces", *lease.key, lease.epoch)])
    return True


def forget(kept: Kept, key: ShardKey, now_us: int) -> bool:
    """Remove a shard's checkpoint, rows and pieces, and the right to write it; False where somebody holds it."""
    lists, rows = kept.below("pieces", *key), kept.below("row", *key)
    with kept.transaction():
        last = _lease(kept, key)
        if last is None:
            return True
        if last.expires_at > now_us:
            return False
        # The lease stays, an epoch on: who held it before finds another there.
        _write(kept, Lease(key, last.owner, last.epoch + 1, last.expires_at))
        kept.remove_all([key_of("checkpoint", *key), *rows])
    names = {name for one in lists.values() for name in json.loads(one)}
    kept.remove_all([key_of("piece", *key, name) for name in sorted(names)])
    kept.remove_all(list(lists))
    return True


def _listed(kept: Kept, lease: Lease) -> list[str]:
    found = kept.get(key_of("pieces", *lease.key, lease.epoch))
    return [] if found is None else [str(name) for name in json.loads(found)]


def _list(kept: Kept, lease: Lease, names: Sequence[str]) -> None:
    kept.put(key_of("pieces", *lease.key, lease.epoch), json.dumps(list(names)).encode())


def last_checkpoint(kept: Kept, key: ShardKey) -> Checkpoint | None:
    """The last checkpoint of a shard."""
    found = kept.get(key_of("checkpoint", *key))
    if found is None:
        return None
    if not found.startswith(_MARK):  # as it was written before there were pieces
        position, epoch, saved_at = _HEAD.unpack_from(found)
        return Checkpoint(key, position, epoch, saved_at, bytes(found[_HEAD.size :]))
    at = len(_MARK) + _HEAD.size
    begin = at + _LENGTH.size
    end = begin + _LENGTH.unpack_from(found, at)[0]
    position, epoch, saved_at = _HEAD.unpack_from(found, len(_MARK))
    return Checkpoint(key, position, epoch, saved_at, bytes(found[end:]), tuple(json.loads(found[begin:end])))


def pieces_of(kept: Kept, key: ShardKey, names: Sequence[str]) -> list[bytes]:
    """Pieces of a shard. Raises NothingThere where one is gone."""
    keys = [key_of("piece", *key, name) for name in names]
    found = kept.get_all(keys)
    gone = [name for name, one in zip(names, keys, strict=True) if one not in found]
    if gone:
        raise NothingThere(f"piece {gone[0]} of the checkpoint of {key} is gone; load the checkpoint again")
    return [bytes(found[one]) for one in keys]


def rows_of(kept: Kept, key: ShardKey, entities: Sequence[str] | None) -> dict[str, bytes]:
    """Rows of a shard: those named that there are, or all."""
    if entities is None:
        found = kept.below("row", *key)
    else:
        found = kept.get_all([key_of("row", *key, entity) for entity in entities])
    return {parts_of(one)[-1]: bytes(body) for one, body in found.items()}


def _lease(kept: Kept, key: ShardKey) -> Lease | None:
    name = key_of("lease", *key)
    found = kept.get(name)
    return None if found is None else _read(name, found)


def _read(name: str, value: bytes) -> Lease:
    _, model, stream, shard = parts_of(name)
    told = json.loads(value)
    return Lease(ShardKey(model, stream, int(shard)), told["owner"], told["epoch"], told["expires_at"])


def _write(kept: Kept, lease: Lease) -> None:
    told = {"owner": lease.owner, "epoch": lease.epoch, "expires_at": lease.expires_at}
    kept.put(key_of("lease", *lease.key), json.dumps(told).encode())
