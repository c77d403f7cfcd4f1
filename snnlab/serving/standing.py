"""How far a shard is, kept beside its checkpoint: small, so that whoever asks need not read what was learnt."""

import json
from dataclasses import dataclass

from snnlab.stores import ShardKey, Store

__all__ = ["STANDING", "Standing"]

STANDING = "standing"
"""The row of a checkpoint that holds it."""


@dataclass(frozen=True)
class Standing:
    """The position up to which a shard is processed and kept, and how many events that were.

    >>> Standing.read(Standing(41, 42).write())
    Standing(position=41, events=42)
    """

    position: int
    events: int

    @classmethod
    def read(cls, row: bytes) -> "Standing":
        """What ``write`` wrote."""
        return cls(*json.loads(row))

    @classmethod
    def of(cls, store: Store, key: ShardKey) -> "Standing | None":
        """Where a shard stands by its last checkpoint; None before the first."""
        row = store.rows(key, [STANDING]).get(STANDING)
        return None if row is None else cls.read(row)

    def write(self) -> bytes:
        """As a row."""
        return json.dumps([self.position, self.events]).encode()
