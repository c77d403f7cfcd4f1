"""Readers of shards, kept at the positions that they have reached: two who read one shard do not disturb each other."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from snnlab.streams.pulsar.reading import ShardReader

__all__ = ["ReaderPool"]

_IDLE = 4  # readers of one shard that are kept


class ReaderPool:
    """The readers of a bus; ``opened`` makes one for a stream and a shard. Threads share a pool, not a reader."""

    def __init__(self, opened: Callable[[str, int], ShardReader]) -> None:
        self._opened = opened
        self._idle: defaultdict[tuple[str, int], list[ShardReader]] = defaultdict(list)
        self._lock = Lock()

    @contextmanager
    def at(self, stream: str, shard: int, after: int | None) -> Iterator[ShardReader]:
        """A reader of a shard, the one that stands at a position if there is one; one that fails is given up."""
        reader = self._taken(stream, shard, after)
        try:
            yield reader
        except BaseException:
            reader.close()
            raise
        with self._lock:
            idle = self._idle[stream, shard]
            idle.append(reader)
            old = idle.pop(0) if len(idle) > _IDLE else None
        if old is not None:
            old.close()

    def close(self) -> None:
        """Let go of all readers."""
        with self._lock:
            readers = [reader for idle in self._idle.values() for reader in idle]
            self._idle.clear()
        for reader in readers:
            reader.close()

    def _taken(self, stream: str, shard: int, after: int | None) -> ShardReader:
        with self._lock:
            idle = self._idle[stream, shard]
            for reader in idle:
                if reader.after == after:
                    idle.remove(reader)
                    return reader
        return self._opened(stream, shard)
