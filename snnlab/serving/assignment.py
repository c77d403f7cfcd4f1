"""What a worker is to do, and how fast: a version of a model on a stream, and the pace of its work."""

from dataclasses import dataclass, field

from snnlab.stores import ShardKey

__all__ = ["Assignment", "Pace"]


@dataclass(frozen=True)
class Assignment:
    """A version of a model put to work on a stream, instead of those ``replaced``.

    ``body`` is the model that each shard starts from.
    """

    model_id: str
    version: int
    stream: str
    shards: int
    body: bytes = field(repr=False)
    replaced: tuple[int, ...] = ()

    def key(self, shard: int) -> ShardKey:
        """The name under which the store keeps a shard's checkpoints: those of one version only."""
        return _key(self.model_id, self.version, self.stream, shard)

    def replaced_keys(self, shard: int) -> list[ShardKey]:
        """Those of the versions that this one replaced."""
        return [_key(self.model_id, version, self.stream, shard) for version in self.replaced]


@dataclass(frozen=True)
class Pace:
    """Events a batch, and seconds: between checkpoints, between looks at a stream long idle, and of a lease.

    With ``checkpoint_s`` 0 there is one after each batch, which the next batch waits for. While events come, no more
    than ``share`` of the time goes by with a checkpoint being written. Anomalies are kept for ``keep_s`` seconds, or
    for good.
    """

    batch: int = 2048
    checkpoint_s: float = 1.0
    share: float = 0.1
    poll_s: float = 0.05
    hold_s: float = 10.0
    keep_s: float | None = None


def _key(model_id: str, version: int, stream: str, shard: int) -> ShardKey:
    return ShardKey(f"{model_id}@{version}", stream, shard)
