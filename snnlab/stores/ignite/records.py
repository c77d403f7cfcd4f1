"""Small records that replicas share, in Ignite: each begins with the time after which it is there no more."""

import struct

from snnlab.stores.ignite.kept import Kept, key_of, parts_of

__all__ = ["delete", "expire", "get", "of", "put"]

_EXPIRES = struct.Struct(">q")
_NEVER = 2**63 - 1


def put(kept: Kept, kind: str, name: str, body: bytes, expires_at: int | None) -> None:
    """Write a record; ``expires_at`` in µs since 1970 UTC, None where it stays."""
    kept.put(key_of("record", kind, name), _EXPIRES.pack(_NEVER if expires_at is None else expires_at) + body)


def get(kept: Kept, kind: str, name: str, now_us: int) -> bytes | None:
    """A record that has not expired; None where there is none."""
    found = kept.get(key_of("record", kind, name))
    return None if found is None or _expired(found, now_us) else bytes(found[_EXPIRES.size :])


def of(kept: Kept, kind: str, now_us: int) -> dict[str, bytes]:
    """The records of a kind that have not expired, by name."""
    found = kept.below("record", kind).items()
    return {parts_of(key)[-1]: body[_EXPIRES.size :] for key, body in found if not _expired(body, now_us)}


def delete(kept: Kept, kind: str, name: str) -> bool:
    """Remove a record; False where there is none."""
    return kept.remove(key_of("record", kind, name))


def expire(kept: Kept, now_us: int) -> None:
    """Remove the records that have expired."""
    for key, body in kept.below("record").items():
        if _expired(body, now_us):
            kept.remove(key)


def _expired(value: bytes, now_us: int) -> bool:
    return int(_EXPIRES.unpack_from(value)[0]) <= now_us
