"""What of a detector changed since it was last asked: copies taken in milliseconds, and put back bit for bit.

A shard's Learned, its ring of late labels and its windows over other keys change with every event and are copied whole;
of the State, which has a row for each entity, only the rows of entities that were seen. The pool marks these as it
finds them, so that a copy costs what changed and the road nothing.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Int32, Int64

from snnlab.detectors.detector import Detector
from snnlab.detectors.room import Room
from snnlab.detectors.shard import Shard
from snnlab.errors import ModelFormatError
from snnlab.types import Array, Arrays

__all__ = ["Changes", "Rows", "Tracker", "bytes_a_row", "put_back"]

_NONE = np.empty(0, np.int64)


class Rows(NamedTuple):
    """The state of ``k`` entities of one shard. ``ranks`` tell who was seen before whom, over all its entities."""

    rows: Int32[np.ndarray, " k"]
    ranks: Int64[np.ndarray, " k"]
    names: list[str]
    state: Arrays

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return sum(array.nbytes for array in self.state.values())

    def part(self, at: slice) -> "Rows":
        """Some of the entities."""
        return Rows(self.rows[at], self.ranks[at], self.names[at], {name: a[at] for name, a in self.state.items()})


@dataclass(frozen=True)
class Changes:
    """Copies of what changed: ``shared`` arrays whole, and rows by shard, whose arrays are ``heights`` rows high."""

    n_events: int
    heights: tuple[int, ...]
    shared: Arrays
    rows: tuple[Rows, ...]

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return sum(array.nbytes for array in self.shared.values()) + sum(rows.nbytes for rows in self.rows)


class Tracker:
    """Follows what changes in a detector from now on; a detector has one at a time.

    Example:
        >>> from snnlab.events import EventBatch
        >>> detector = Detector.build("sensor", names=["pressure"], entities=True)
        >>> def seen(*entities):
        ...     values = np.ones((len(entities), 1))
        ...     return detector.process(EventBatch.from_columns(values, ["pressure"], entities=list(entities)))
        >>> _ = seen("a", "b", "c")
        >>> tracker = Tracker(detector)
        >>> _ = seen("c", "a")
        >>> [tracker.take(Room()).rows[0].names for _ in range(2)]
        [['c', 'a'], []]
    """

    def __init__(self, detector: Detector, ranks: Sequence[Int64[np.ndarray, " e"]] | None = None) -> None:
        """Take what is there now for known, and the order of its entities by ``ranks``, if they have some already."""
        self._detector = detector
        self._ranks = list(ranks) if ranks is not None else [_ranked(shard) for shard in detector.shards]
        self._next = [int(known.max(initial=-1)) + 1 for known in self._ranks]
        for shard in detector.shards:
            shard.pool.touched()

    @property
    def ranks(self) -> list[Int64[np.ndarray, " e"]]:
        """By shard and row: who was seen before whom."""
        return self._ranks

    @property
    def nbytes(self) -> int:
        """Bytes of what changed by now."""
        shards = self._detector.shards
        each = (shard.pool.touched_count * bytes_a_row(shard) for shard in shards)
        return sum(each) + sum(array.nbytes for _, array in _shared(shards))

    def take(self, room: Room, also: Callable[[int, int], Int64[np.ndarray, " m"]] | None = None) -> Changes:
        """Copies, in ``room``, of what changed since the last call.

        ``also`` tells of more rows to copy, of a shard in which so many changed.
        """
        room.clear()
        shards = self._detector.shards
        rows = tuple(self._taken(at, room, also) for at in range(len(shards)))
        heights = tuple(len(shard.state["clock/last"]) for shard in shards)
        shared = {name: room.copy(array) for name, array in _shared(shards)}
        return Changes(self._detector.n_events, heights, shared, rows)

    def _taken(self, at: int, room: Room, also: Callable[[int, int], Int64[np.ndarray, " m"]] | None) -> Rows:
        shard = self._detector.shards[at]
        touched = shard.pool.touched()
        ranks = self._ranked_now(at, touched)
        more = also(at, touched.size) if also else _NONE
        if more.size:
            seen = np.zeros(ranks.size, bool)
            seen[touched] = True
            touched = np.concatenate((more[~seen[more]].astype(np.int32), touched))
        names = shard.pool.names
        state = {name: room.rows(array, touched) for name, array in shard.rows.items()}
        return Rows(touched, ranks[touched], [names[row] for row in touched.tolist()], state)

    def _ranked_now(self, at: int, touched: Int32[np.ndarray, " k"]) -> Int64[np.ndarray, " e"]:
        known, new = self._ranks[at], len(self._detector.shards[at].pool)
        ranks = known if known.size == new else np.concatenate((known, np.zeros(new - known.size, np.int64)))
        ranks[touched] = np.arange(self._next[at], self._next[at] + touched.size)
        self._ranks[at], self._next[at] = ranks, self._next[at] + touched.size
        return ranks


def put_back(detector: Detector, changes: Changes, rows: Iterable[tuple[int, Rows]]) -> Tracker:
    """Bring a detector, as it was when it was first tracked, to where ``changes`` were taken; returns its tracker.

    ``rows`` are those of all that was taken up to then, with their shards, the oldest first: later ones count. The
    detector works on the shared arrays themselves from then on.

    Raises:
        ModelFormatError: they are of another detector, or some are missing.
    """
    shards = detector.shards
    if len(changes.heights) != len(shards):
        raise ModelFormatError(f"changes of {len(changes.heights)} shards are not those of a detector of {len(shards)}")
    known = [_Known(shard, height) for shard, height in zip(shards, changes.heights, strict=True)]
    for at, some in rows:
        known[at].write(some)
    for at, shard in enumerate(shards):
        kept = {name.removeprefix(f"{at}/"): a for name, a in changes.shared.items() if name.startswith(f"{at}/")}
        try:
            shard.restore(kept | {f"state/{name}": a for name, a in known[at].state.items()}, known[at].in_order())
        except KeyError as missing:
            raise ModelFormatError(f"the changes lack {missing}; start again from a model") from missing
    detector.n_events = changes.n_events
    return Tracker(detector, [one.ranks() for one in known])


class _Known:
    """A shard's rows, names and ranks while changes are written over them."""

    def __init__(self, shard: Shard, height: int) -> None:
        self._ranks = _ranked(shard)
        self._names: list[str | None] = [*shard.pool.names]
        shard.widen(max(height, len(self._names)))
        self.state = shard.rows

    def write(self, some: Rows) -> None:
        """Write rows over those that are there."""
        top = int(some.rows.max(initial=-1)) + 1
        if top > len(self.state["clock/last"]) or int(some.rows.min(initial=0)) < 0:
            raise ModelFormatError(f"row {top - 1} of changes lies outside {len(self.state['clock/last'])} rows")
        more = max(top - len(self._names), 0)
        self._names += [None] * more
        self._ranks = np.concatenate((self._ranks, np.full(more, -1)))
        self._ranks[some.rows] = some.ranks
        for row, name in zip(some.rows.tolist(), some.names, strict=True):
            self._names[row] = name
        for name, array in self.state.items():
            if some.state[name].shape != (len(some.rows), *array.shape[1:]) or some.state[name].dtype != array.dtype:
                raise ModelFormatError(f"changes have {name!r} of another shape or type; start again from a model")
            array[some.rows] = some.state[name]

    def ranks(self) -> Int64[np.ndarray, " e"]:
        """Who was seen before whom, by row."""
        return self._ranks

    def in_order(self) -> dict[str, int]:
        """Rows by entity, the least recently seen first. Raises ModelFormatError where one is missing."""
        rows = {name: row for row in np.argsort(self._ranks).tolist() if (name := self._names[row]) is not None}
        if len(rows) != len(self._names):
            raise ModelFormatError(f"changes of {len(self._names) - len(rows)} entities are missing")
        return rows


def bytes_a_row(shard: Shard) -> int:
    """Bytes that an entity's state takes."""
    return sum(array.nbytes // len(array) for array in shard.rows.values())


def _ranked(shard: Shard) -> Int64[np.ndarray, " e"]:
    order = np.fromiter(shard.pool.rows.values(), np.int64)
    ranks = np.empty(order.size, np.int64)
    ranks[order] = np.arange(order.size)
    return ranks


def _shared(shards: Sequence[Shard]) -> Iterable[tuple[str, Array]]:
    """The arrays that have no rows of entities, by the names that a model file gives them."""
    for at, shard in enumerate(shards):
        yield from ((f"{at}/learnt/{name}", array) for name, array in shard.learnt.items())
        by_row = shard.rows
        yield from ((f"{at}/state/{name}", array) for name, array in shard.state.items() if name not in by_row)
