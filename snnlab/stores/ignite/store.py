"""The store on Apache Ignite."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from snnlab.errors import ConfigError
from snnlab.events.anomaly import Anomaly
from snnlab.stores.base import AnomalyFilter, AnomalyPage, Checkpoint, Lease, ModelRecord, Pattern, ShardKey
from snnlab.stores.ignite import library, records, shard_rows
from snnlab.stores.ignite.address import Address, IgniteSettings
from snnlab.stores.ignite.anomaly_rows import AnomalyRows, Known
from snnlab.stores.ignite.connection import Connections
from snnlab.stores.ignite.kept import Kept

if TYPE_CHECKING:
    from pyignite import Client

__all__ = ["IgniteStore"]

_READ_AT_ONCE = 8


def _now_us() -> int:
    return time.time_ns() // 1000


class IgniteStore:
    """Anomalies, models, records, leases, checkpoints in an Ignite cluster; see ``Store`` for what each method does.

    Anomalies are the table ``NAME_anomalies``, everything else is ``NAME_kept``, both made where they are not there.
    A checkpoint is one transaction with the shard's lease locked. Threads may share a store. Leases and expiry are
    measured by ``clock`` (µs since 1970 UTC), so the clocks of the workers' machines must agree within a lease.
    Raises StoreError where Ignite refuses or is not there; the next call connects again.
    """

    def __init__(self, url: str, settings: IgniteSettings | None = None, *, clock: Callable[[], int] = _now_us) -> None:
        try:
            import pyignite  # noqa: F401 - whether it is there
        except ImportError as missing:
            raise ConfigError(f"{url!r} needs pyignite; install snnlab[serve], or use sqlite:///PATH") from missing
        self.address = Address.of(url, settings or IgniteSettings())
        self._clock = clock
        self._known = Known()
        self._connections = Connections(self.address, self._make)
        self._connections.ask(lambda _: None)

    def put_anomalies(self, anomalies: Sequence[Anomaly], *, keep_s: float | None = None, synced: bool = True) -> None:
        """Write anomalies; one whose id is there is written over. When they are on a disk, the cluster decides."""
        del synced
        expires_at = None if keep_s is None else self._clock() + int(keep_s * 1e6)
        self._connections.ask(lambda client: self._rows(client).write(anomalies, expires_at))

    def anomalies(
        self, wanted: AnomalyFilter | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> AnomalyPage:
        """A page of the anomalies that are wanted, newest first."""
        if not 1 <= limit <= 10_000:
            raise ConfigError(f"a page of {limit} anomalies; ask for 1 to 10000, and follow the cursor for more")
        asked = wanted or AnomalyFilter()
        return self._connections.ask(lambda client: self._rows(client).page(asked, limit, cursor, self._clock()))

    def anomaly(self, anomaly_id: str) -> Anomaly | None:
        """One anomaly; None where there is none of that id."""
        return self._connections.ask(lambda client: self._rows(client).find(anomaly_id, self._clock()))

    def expire(self) -> int:
        """Remove the anomalies and records whose time has come; returns how many anomalies there were."""
        self._connections.ask(lambda client: records.expire(self._kept(client), self._clock()))
        return self._connections.ask(lambda client: self._rows(client).expire(self._clock()))

    def put_model(self, name: str, body: bytes, metadata: Mapping[str, object] | None = None) -> ModelRecord:
        """Keep a model's bytes as the next version of that name, counted from 1."""
        return self._connections.ask(
            lambda client: library.put_model(self._kept(client), name, body, metadata or {}, self._clock()),
            again=False,  # the version may be there already
        )

    def get_model(self, name: str, version: int | None = None) -> ModelRecord:
        """A version of a model, the latest unless said; its bytes are checked against their digest."""
        return self._connections.ask(
            lambda client: library.get_model(self._kept(client), name, version, self.address.url)
        )

    def list_models(self) -> list[ModelRecord]:
        """The latest version of each model by name, without the bytes."""
        return self._connections.ask(lambda client: library.list_models(self._kept(client)))

    def put_pattern(self, pattern: Pattern) -> None:
        """Keep a pattern; one whose id is there is written over."""
        self._connections.ask(lambda client: library.put_pattern(self._kept(client), pattern))

    def patterns(self, *, model: str | None = None) -> list[Pattern]:
        """The patterns, oldest first; those of one model and those of no model, or all."""
        return self._connections.ask(lambda client: library.patterns(self._kept(client), model))

    def delete_pattern(self, pattern_id: str) -> bool:
        """Forget a pattern; False where there is none of that id."""
        return self._connections.ask(lambda client: library.delete_pattern(self._kept(client), pattern_id))

    def put_record(self, kind: str, name: str, body: bytes, *, keep_s: float | None = None) -> None:
        """Write a small record that replicas share; see ``Store.put_record``."""
        expires_at = None if keep_s is None else self._clock() + int(keep_s * 1e6)
        self._connections.ask(lambda client: records.put(self._kept(client), kind, name, body, expires_at))

    def record(self, kind: str, name: str) -> bytes | None:
        """A record; None where there is none of that kind and name, or none any more."""
        return self._connections.ask(lambda client: records.get(self._kept(client), kind, name, self._clock()))

    def records(self, kind: str) -> dict[str, bytes]:
        """The records of a kind, by name."""
        return self._connections.ask(lambda client: records.of(self._kept(client), kind, self._clock()))

    def delete_record(self, kind: str, name: str) -> bool:
        """Remove a record; False where there is none."""
        return self._connections.ask(lambda client: records.delete(self._kept(client), kind, name))

    def acquire(self, key: ShardKey, owner: str, *, hold_s: float) -> Lease | None:
        """Take a shard for ``hold_s`` seconds; None while another owner holds it."""
        hold_us = int(hold_s * 1e6)
        return self._connections.ask(
            lambda client: shard_rows.acquire(self._kept(client), key, owner, self._clock(), hold_us)
        )

    def renew(self, lease: Lease, *, hold_s: float) -> Lease | None:
        """Hold a shard ``hold_s`` seconds from now; None where it was lost meanwhile."""
        return self._moved(lease, int(hold_s * 1e6))

    def release(self, lease: Lease) -> bool:
        """Give a shard back; False where it was lost meanwhile."""
        return self._moved(lease, 0) is not None

    def leases(self) -> list[Lease]:
        """The leases that are held now."""
        return self._connections.ask(lambda client: shard_rows.held(self._kept(client), self._clock()))

    def put_pieces(self, lease: Lease, pieces: Mapping[str, bytes]) -> bool:
        """Write pieces of the next checkpoint, if the lease's epoch still holds."""
        return self._connections.ask(lambda client: shard_rows.put_pieces(self._kept(client), lease, pieces))

    def save(
        self, lease: Lease, position: int, head: bytes, rows: Mapping[str, bytes], pieces: Sequence[str] = ()
    ) -> bool:
        """Write a checkpoint, the rows that changed and which pieces are its, if the lease's epoch still holds."""
        return self._connections.ask(
            lambda client: shard_rows.save(self._kept(client), lease, position, head, rows, pieces, self._clock())
        )

    def load(self, key: ShardKey) -> Checkpoint | None:
        """The last checkpoint of a shard; None before its first."""
        return self._connections.ask(lambda client: shard_rows.last_checkpoint(self._kept(client), key))

    def rows(self, key: ShardKey, entities: Sequence[str] | None = None) -> dict[str, bytes]:
        """Rows of a shard as of the last checkpoint: those named that there are, or all."""
        return self._connections.ask(lambda client: shard_rows.rows_of(self._kept(client), key, entities))

    def pieces(self, key: ShardKey, names: Sequence[str]) -> Iterator[bytes]:
        """Pieces of a shard. Raises NothingThere for one that is gone."""
        for start in range(0, len(names), _READ_AT_ONCE):
            yield from self._some_pieces(key, names[start : start + _READ_AT_ONCE])

    def forget(self, key: ShardKey) -> bool:
        """Remove a shard's checkpoint with its rows and pieces; False while somebody holds the shard."""
        return self._connections.ask(lambda client: shard_rows.forget(self._kept(client), key, self._clock()))

    def close(self) -> None:
        """Close the connections; the next call opens one again."""
        self._connections.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _moved(self, lease: Lease, hold_us: int) -> Lease | None:
        return self._connections.ask(lambda client: shard_rows.move(self._kept(client), lease, self._clock() + hold_us))

    def _some_pieces(self, key: ShardKey, names: Sequence[str]) -> list[bytes]:
        return self._connections.ask(lambda client: shard_rows.pieces_of(self._kept(client), key, names))

    def _make(self, client: "Client") -> None:
        self._kept(client).make()
        self._rows(client).make()

    def _kept(self, client: "Client") -> Kept:
        return Kept(client, f"{self.address.name}_kept")

    def _rows(self, client: "Client") -> AnomalyRows:
        return AnomalyRows(client, f"{self.address.name}_anomalies", self._known)
