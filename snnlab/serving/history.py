"""A shard's checkpoints: the model that it began with, and in pieces what changed since.

The head of a checkpoint names its pieces: ``base``, the model file that the shard began with, cut into slices and
written once; ``shared``, what the shard learnt, written anew each time; ``rows``, the state of entities, each piece
with those of some. Of rows that are in several pieces the last counts. A head that is a model file is that of a shard
kept whole, as it was before there were pieces.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial

from snnlab.detectors import Detector
from snnlab.detectors.changes import Changes, Rows, Tracker, bytes_a_row, put_back
from snnlab.detectors.packing import pack, unpack_arrays
from snnlab.detectors.room import Room
from snnlab.errors import ModelVersionError, NothingThere, StoreError
from snnlab.serving.ledger import Ledger
from snnlab.stores import Checkpoint, Lease, ShardKey, Store

__all__ = ["PIECE", "Head", "History", "Kept", "read"]

PIECE = 2**20
"""Bytes of a slice, and of a piece's rows before they are compressed."""
_FORMAT = 2
_TRIES = 5
_ROWS, _RANKS = "rows", "ranks"  # no array of a state has such a name: theirs have a part before a slash


@dataclass(frozen=True)
class Head:
    """Names of pieces. ``begun`` tells that the model of ``base`` began a stream before anything changed."""

    begun: bool
    base: list[str] = field(default_factory=list)
    shared: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    format: int = _FORMAT

    @property
    def names(self) -> list[str]:
        """All of them."""
        return [*self.base, *self.shared, *(name for names in self.rows for name in names)]


class History:
    """What the store holds of a shard, and what of its detector changed since.

    ``take`` and ``write`` follow each other, but may run on different threads. After a write that failed, read the
    shard again.
    """

    def __init__(self, tracker: Tracker, head: Head, base: bytes, ledgers: list[Ledger]) -> None:
        self._tracker = tracker
        self._head = head
        self._base = base
        self._ledgers = ledgers
        self._written = 0

    @classmethod
    def of(cls, detector: Detector, base: bytes, *, begun: bool) -> "History":
        """Of a detector that is what ``base`` holds, but for having ``begun`` a stream."""
        return cls(Tracker(detector), Head(begun), base, ledgers_of(detector))

    @property
    def nbytes(self) -> int:
        """Bytes that changed."""
        return self._tracker.nbytes

    @property
    def pieces(self) -> int:
        """Pieces with rows of entities that the store keeps."""
        return sum(len(ledger.names) for ledger in self._ledgers)

    def take(self, room: Room) -> Changes:
        """Copies of what changed since the last call, in ``room``, and of rows whose pieces are better given up."""
        return self._tracker.take(room, lambda at, changed: self._ledgers[at].scattered(changed))

    def write(
        self,
        store: Store,
        lease: Lease,
        position: int,
        marks: Mapping[str, bytes],
        changes: Changes,
        rest: Callable[[], None] = lambda: None,
    ) -> bool:
        """Write a checkpoint piece by piece, with a ``rest`` after each; False where the lease has been lost."""
        put = partial(self._put, store, lease, rest)
        told = {"n_events": changes.n_events, "heights": changes.heights}
        try:
            base = self._head.base or _put_slices(put, self._base)
            shared = _put_slices(put, pack(changes.shared, told))
            for at, rows in enumerate(changes.rows):
                self._put_rows(put, at, rows)
        except _LostError:
            return False
        rows_now = [ledger.names for ledger in self._ledgers]
        self._head, self._base = replace(self._head, base=base, shared=shared, rows=rows_now), b""
        return store.save(lease, position, json.dumps(asdict(self._head)).encode(), marks, self._head.names)

    def _put_rows(self, put: Callable[[bytes], str], at: int, rows: Rows) -> None:
        ledger = self._ledgers[at]
        for start in range(0, len(rows.rows), ledger.full):
            part = rows.part(slice(start, start + ledger.full))
            content = pack(part.state | {_ROWS: part.rows, _RANKS: part.ranks}, {"at": at, "names": part.names})
            ledger.add(put(content), part.rows)

    def _put(self, store: Store, lease: Lease, rest: Callable[[], None], content: bytes) -> str:
        name = f"{lease.epoch:010d}-{self._written:010d}"
        self._written += 1
        if not store.put_pieces(lease, {name: content}):
            raise _LostError
        rest()
        return name


def _put_slices(put: Callable[[bytes], str], content: bytes) -> list[str]:
    return [put(content[start : start + PIECE]) for start in range(0, len(content), PIECE)]


@dataclass(frozen=True)
class Kept:
    """A shard as the store holds it. ``base`` is a model file, whose detector ``onto`` brings to the checkpoint."""

    checkpoint: Checkpoint
    base: bytes = field(repr=False)
    head: Head | None = None
    pieces: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    def detector(self, *, trust_code: bool = False) -> Detector:
        """The detector at the checkpoint. Raises as ``Detector.load`` does."""
        detector = Detector.load(self.base, trust_code=trust_code)
        self.onto(detector)
        return detector

    def onto(self, detector: Detector) -> History:
        """Bring the detector of ``base`` to the checkpoint. Raises ModelFormatError where pieces do not fit it."""
        if self.head is None:
            return History.of(detector, self.base, begun=False)
        if self.head.begun:
            detector.restart(clocks=False)
        shared, told = unpack_arrays(b"".join(self.pieces[name] for name in self.head.shared))
        changes = Changes(told["n_events"], tuple(told["heights"]), shared, ())
        ledgers = ledgers_of(detector)
        tracker = put_back(detector, changes, self._rows(ledgers))
        return History(tracker, self.head, b"", ledgers)

    def _rows(self, ledgers: list[Ledger]) -> Iterator[tuple[int, Rows]]:
        """The rows of all pieces, which the ledgers are told of."""
        for names in self.head.rows if self.head else []:
            for name in names:
                state, told = unpack_arrays(self.pieces[name])
                rows = Rows(state.pop(_ROWS), state.pop(_RANKS), told["names"], state)
                ledgers[told["at"]].add(name, rows.rows)
                yield told["at"], rows


def read(store: Store, key: ShardKey) -> Kept | None:
    """The last checkpoint of a shard with all that it names; None before its first.

    Raises StoreError where pieces are missing, ModelVersionError where a newer snnlab wrote it.
    """
    for _ in range(_TRIES):  # while another process writes the next one, what the last one named may go
        saved = store.load(key)
        if saved is None:
            return None
        if not saved.head.startswith(b"{"):
            return Kept(saved, saved.head)
        head = _head(saved)
        try:
            pieces = dict(zip(saved.pieces, store.pieces(key, saved.pieces), strict=True))
        except NothingThere:
            continue
        return Kept(saved, b"".join(pieces.pop(name) for name in head.base), head, pieces)
    raise StoreError(f"pieces of the checkpoint of {key} are missing; deploy another version, or restore the store")


def ledgers_of(detector: Detector) -> list[Ledger]:
    """Ledgers of a detector's shards, of which the store holds no piece yet."""
    return [Ledger(max(PIECE // bytes_a_row(shard), 1)) for shard in detector.shards]


def _head(saved: Checkpoint) -> Head:
    told = json.loads(saved.head)
    if told.get("format", 0) > _FORMAT:
        raise ModelVersionError(
            f"the checkpoint of {saved.key} has format {told['format']}, this snnlab reads up to {_FORMAT}; "
            "install a newer snnlab"
        )
    return Head(**told)


class _LostError(Exception):
    """The lease was lost while pieces were written."""
