"""Which shard an entity belongs to."""

from functools import lru_cache
from hashlib import blake2b

import numpy as np
from jaxtyping import Int64

from snnlab.errors import ConfigError
from snnlab.events.batch import Categorical

__all__ = ["shard_of", "shards_of"]


@lru_cache(maxsize=65_536)
def _hashed(entity: str) -> int:
    return int.from_bytes(blake2b(entity.encode(), digest_size=8).digest(), "little")


def shard_of(entity: str, shards: int) -> int:
    """The shard of an entity: its BLAKE2b hash of 8 bytes, little endian, modulo ``shards``.

    The same on every machine and in every version of Python, so that producers and workers agree.
    Raises ConfigError for fewer than one shard.

    >>> [shard_of(name, 8) for name in ("web-1", "web-2", "db-1")]
    [1, 6, 6]
    """
    if shards < 1:
        raise ConfigError(f"{shards} shards; a stream has at least one")
    return _hashed(entity) % shards


def shards_of(entities: Categorical, shards: int) -> Int64[np.ndarray, " n"]:
    """The shards of ``n`` events, hashing each entity once.

    >>> shards_of(Categorical.of(["web-1", "db-1", "web-1"]), 8).tolist()
    [1, 6, 1]
    """
    used, at = np.unique(entities.codes, return_inverse=True)
    chosen = np.array([shard_of(entities.vocabulary[code], shards) for code in used.tolist()], dtype=np.int64)
    return chosen[at]
