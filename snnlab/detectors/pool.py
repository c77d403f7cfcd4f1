"""The pool of entities: which state row each entity has, with a cap on how many rows there are.

An entity gets a row when its first event comes. Where all rows are taken, the entity that has been silent longest gives
its row up and is forgotten.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Int32

from snnlab.detectors.pool_table import PoolTable, place, remember, take_over, touched_rows
from snnlab.events.text import Text, text_of_words

__all__ = ["EntityPool"]

_LEAST = 16


class EntityPool:
    """Rows by entity, at most ``limit`` of them.

    >>> pool = EntityPool(limit=2)
    >>> rows = np.empty(4, np.int32)
    >>> events = text_of_words(["a", "b", "a", "c"])
    >>> pool.place(events, rows, 0), rows[:3].tolist()   # "c" needs a row that is taken
    ((3, False), [0, 1, 0])
    >>> pool.place(events, rows, 3), pool.rows
    ((4, True), {'a': 0, 'c': 1})
    """

    def __init__(self, limit: int = 100_000, rows: Mapping[str, int] | None = None) -> None:
        """A pool of these rows by entity, the least recently seen first; none of them unless they are given."""
        self.limit = limit
        known = dict(rows or {})
        self.names: list[str] = [""] * len(known)
        self._table = PoolTable.empty(max(len(known), min(_LEAST, limit)))
        self._fresh = np.empty(1, np.int64)
        for name, row in known.items():
            self.names[row] = name
            remember(self._table, row, *text_of_words([name]))

    def __len__(self) -> int:
        return len(self.names)

    @property
    def rows(self) -> dict[str, int]:
        """Rows by entity, the least recently seen first."""
        row, newer, found = int(self._table.ends[0]), self._table.newer.tolist(), {}
        while row >= 0:
            found[self.names[row]] = row
            row = newer[row]
        return found

    @property
    def table(self) -> PoolTable:
        """The rows as their kernels read them; another one where there had to be more room."""
        return self._table

    @property
    def nbytes(self) -> int:
        """Bytes of the table, names left out."""
        return sum(array.nbytes for array in self._table)

    def touched(self) -> Int32[np.ndarray, " k"]:
        """Rows of the entities seen, new or known, since this was last asked; the least recently seen first.

        >>> pool = EntityPool(rows={"a": 0, "b": 1, "c": 2})
        >>> _ = pool.place(text_of_words(["b", "d", "b"]), np.empty(3, np.int32), 0)
        >>> pool.touched().tolist(), pool.touched().tolist()
        ([3, 1], [])
        """
        found = np.empty(len(self.names), np.int32)
        return found[: touched_rows(self._table, found, clear=True)][::-1].copy()

    @property
    def touched_count(self) -> int:
        """How many :meth:`touched` would tell of."""
        return int(touched_rows(self._table, np.empty(0, np.int32), clear=False))

    def touch(self) -> None:
        """Let every entity count as seen since."""
        self._table.touched[: len(self.names)] = 1

    def place(self, owners: Text, rows: Int32[np.ndarray, " n"], start: int) -> tuple[int, bool]:
        """Fill in the rows of events from ``start`` on, as far as no row changes hands; returns where it stopped.

        The second answer tells that the row of the one event at ``start`` did change hands: its last owner must be
        forgotten before that event is looked at.
        """
        n = owners.codes.size
        self._widen(n)
        stop, found = place(self._table, *owners, self.limit, start, rows, self._fresh)
        if found:
            self.names.extend(owners.word(at) for at in self._fresh[:found].tolist())
        if stop > start or n == start:
            return stop, False
        row = take_over(self._table, *owners, start)
        self.names[row], rows[start] = owners.word(start), row
        return start + 1, True

    def _widen(self, coming: int) -> None:
        """Room in the table for so many more names."""
        if self._fresh.size < coming:
            self._fresh = np.empty(coming, np.int64)
        capacity, needed = len(self._table.older), min(len(self.names) + coming, self.limit)
        if needed <= capacity:
            return
        old, wider = self._table, PoolTable.empty(min(max(2 * capacity, needed), self.limit))
        for name in ("digests", "older", "newer", "touched"):
            getattr(wider, name)[:capacity] = getattr(old, name)
        wider.ends[:] = old.ends
        _rehash(wider, len(self.names))
        self._table = wider


def _rehash(table: PoolTable, used: int) -> None:
    home = (table.digests[:used, 0] & np.uint64(table.slots.size - 1)).tolist()
    slots = table.slots
    for row, at in enumerate(home):
        slot = at
        while slots[slot] >= 0:
            slot = (slot + 1) % slots.size
        slots[slot] = row
