"""Routing: which shard each event belongs to, each entity hashed once while it is remembered."""

import numpy as np
from jaxtyping import Int64

from snnlab.detectors.pool import EntityPool
from snnlab.events.shards import shard_of
from snnlab.events.text import Text

__all__ = ["Router"]


class Router:
    """The shards of entities; the last ``limit`` of them are remembered.

    >>> from snnlab.events.text import text_of_words
    >>> Router(8).route(text_of_words(["web-1", "db-1", "web-1"])).tolist()
    [1, 6, 1]
    """

    def __init__(self, shards: int, limit: int = 1 << 17) -> None:
        """A router that has seen nobody."""
        self._shards, self._pool = shards, EntityPool(limit)
        self._known = np.zeros(0, np.int64)

    def route(self, owners: Text) -> Int64[np.ndarray, " n"]:
        """The shard of each event."""
        n, start = owners.codes.size, 0
        rows, out = np.empty(n, np.int32), np.empty(n, np.int64)
        while start < n:
            known = len(self._pool)
            stop, taken = self._pool.place(owners, rows, start)
            if taken:
                self._known[rows[start]] = shard_of(owners.word(start), self._shards)
            elif len(self._pool) > known:
                new = [shard_of(name, self._shards) for name in self._pool.names[known:]]
                self._known = np.concatenate([self._known, np.array(new, np.int64)])
            out[start:stop] = self._known[rows[start:stop]]
            start = stop
        return out
