"""What every store can do, and the records it keeps."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import NamedTuple, Protocol, Self, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field

from snnlab.events.anomaly import Anomaly
from snnlab.types import Json

__all__ = [
    "AnomalyFilter",
    "AnomalyPage",
    "Checkpoint",
    "Lease",
    "ModelRecord",
    "Pattern",
    "ShardKey",
    "Store",
]


class AnomalyFilter(BaseModel):
    """Which anomalies are wanted; what is left None asks for nothing. Times in µs since 1970 UTC.

    ``since`` is included, ``until`` is not.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    since: int | None = None
    until: int | None = None
    anomaly_type: str | None = None
    severity_min: float | None = Field(default=None, ge=0, le=1)
    entity: str | None = None
    model: str | None = None
    stream: str | None = None


@dataclass(frozen=True)
class AnomalyPage:
    """Anomalies, newest first, and the cursor of the next page; None on the last."""

    items: tuple[Anomaly, ...]
    cursor: str | None


@dataclass(frozen=True)
class ModelRecord:
    """A version of a model: ``digest`` is the SHA-256 of ``body`` in hexadecimal; lists leave ``body`` empty."""

    name: str
    version: int
    digest: str
    created_at: int
    metadata: Json
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Pattern:
    """A remembered pattern: its name, the anomaly type it stands for, and what it looks like, in the caller's code."""

    pattern_id: str
    name: str
    anomaly_type: str
    created_at: int
    model: str = ""
    metadata: Json = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)


class ShardKey(NamedTuple):
    """One shard of a stream, as one model sees it."""

    model: str
    stream: str
    shard: int


@dataclass(frozen=True)
class Lease:
    """The right to write a shard until ``expires_at`` (µs since 1970 UTC); the next taker gets a higher ``epoch``."""

    key: ShardKey
    owner: str
    epoch: int
    expires_at: int


@dataclass(frozen=True)
class Checkpoint:
    """Where a shard stands: the position up to which events are in its head, its rows and its pieces.

    What ``head`` says, and what ``pieces`` hold, is the worker's affair; these are their names, in its order.
    """

    key: ShardKey
    position: int
    epoch: int
    saved_at: int
    head: bytes = field(repr=False)
    pieces: tuple[str, ...] = ()


@runtime_checkable
class Store(Protocol):
    """Anomalies, models, records, leases, checkpoints. Every method raises StoreError where the store fails."""

    def put_anomalies(self, anomalies: Sequence[Anomaly], *, keep_s: float | None = None, synced: bool = True) -> None:
        """Write anomalies; one whose id is there is written over. They expire ``keep_s`` seconds from now, or never.

        Where they need not be ``synced``, a store on a disk may leave that to what is written after them.
        """

    def anomalies(
        self, wanted: AnomalyFilter | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> AnomalyPage:
        """A page of the anomalies that are wanted, newest first. Raises ConfigError for a cursor of no page."""

    def anomaly(self, anomaly_id: str) -> Anomaly | None:
        """One anomaly; None where there is none of that id."""

    def expire(self) -> int:
        """Remove the anomalies and records whose time has come; they are not found any more even before.

        Returns how many anomalies there were.
        """

    def put_model(self, name: str, body: bytes, metadata: Mapping[str, object] | None = None) -> ModelRecord:
        """Keep a model's bytes as the next version of that name, counted from 1."""

    def get_model(self, name: str, version: int | None = None) -> ModelRecord:
        """A version of a model, the latest unless said.

        Raises ModelNotFound where there is none, ModelFormatError where its bytes do not match their digest.
        """

    def list_models(self) -> list[ModelRecord]:
        """The latest version of each model by name, without the bytes."""

    def put_pattern(self, pattern: Pattern) -> None:
        """Keep a pattern; one whose id is there is written over."""

    def patterns(self, *, model: str | None = None) -> list[Pattern]:
        """The patterns, oldest first; those of one model and those of no model, or all."""

    def delete_pattern(self, pattern_id: str) -> bool:
        """Forget a pattern; False where there is none of that id."""

    def put_record(self, kind: str, name: str, body: bytes, *, keep_s: float | None = None) -> None:
        """Write a small record that replicas share; one of that kind and name is written over.

        It is there no more ``keep_s`` seconds from now, or stays.
        """

    def record(self, kind: str, name: str) -> bytes | None:
        """A record; None where there is none of that kind and name, or none any more."""

    def records(self, kind: str) -> dict[str, bytes]:
        """The records of a kind, by name."""

    def delete_record(self, kind: str, name: str) -> bool:
        """Remove a record; False where there is none."""

    def acquire(self, key: ShardKey, owner: str, *, hold_s: float) -> Lease | None:
        """Take a shard for ``hold_s`` seconds; None while another owner holds it. Every taking raises the epoch."""

    def renew(self, lease: Lease, *, hold_s: float) -> Lease | None:
        """Hold a shard ``hold_s`` seconds from now; None where it was lost meanwhile."""

    def release(self, lease: Lease) -> bool:
        """Give a shard back; False where it was lost meanwhile."""

    def leases(self) -> list[Lease]:
        """The leases that are held now."""

    def put_pieces(self, lease: Lease, pieces: Mapping[str, bytes]) -> bool:
        """Write pieces, which count for nothing before a checkpoint names them; False where the shard was lost.

        A piece is some megabytes at most, so that nobody waits long for one; its name is never given twice.
        """

    def save(
        self, lease: Lease, position: int, head: bytes, rows: Mapping[str, bytes], pieces: Sequence[str] = ()
    ) -> bool:
        """Write a checkpoint, the rows that changed and which pieces are its, if the lease's epoch still holds.

        All together; then the shard's other pieces are removed. False, and nothing is written, where another owner has
        taken the shard since. Raises StoreError where a piece was not put.
        """

    def load(self, key: ShardKey) -> Checkpoint | None:
        """The last checkpoint of a shard; None before its first."""

    def rows(self, key: ShardKey, entities: Sequence[str] | None = None) -> dict[str, bytes]:
        """Rows of a shard as of the last checkpoint: those named that there are, or all."""

    def pieces(self, key: ShardKey, names: Sequence[str]) -> Iterator[bytes]:
        """Pieces of a shard, in the order of their names here.

        Raises NothingThere where one is gone: a later checkpoint than the one that named it was written meanwhile.
        """

    def forget(self, key: ShardKey) -> bool:
        """Remove a shard's checkpoint with its rows and pieces, if there are any; False while somebody holds the shard.

        Whoever held it before cannot write it any more. What is removed last, a crash may leave: ask again.
        """

    def close(self) -> None:
        """Let go of connections and files."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
