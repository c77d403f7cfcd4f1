"""Which piece of the store holds each row of a detector, so that what nobody needs is dropped and pieces stay few.

Pieces are written once. A row that is written again leaves its old piece; one without rows is dropped, and where there
are too many pieces, or too much in them that is old, the rows that the emptiest ones still hold are written again: the
cleaning of a log-structured file system.

Source: Rosenblum & Ousterhout, The design and implementation of a log-structured file system (TOCS 10, 1992).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int32, Int64

__all__ = ["Ledger"]

_SPARE = 64  # pieces that there may be beyond those that are needed
_MOVED = 4  # pieces' worth of rows that is moved at a time, or half of what changed


@dataclass
class _Piece:
    name: str
    size: int
    live: int


class Ledger:
    """The pieces of one shard of a detector, ``full`` rows in each at most.

    >>> ledger = Ledger(full=2)
    >>> ledger.add("p1", np.array([0, 1])), ledger.add("p2", np.array([1, 2])), ledger.names
    (None, None, ['p1', 'p2'])
    >>> ledger.add("p3", np.array([0])), ledger.names   # nothing of p1 counts any more
    (None, ['p2', 'p3'])
    """

    def __init__(self, full: int) -> None:
        self.full = full
        self._pieces: dict[int, _Piece] = {}
        self._home = np.empty(0, np.int64)
        self._serial = 0

    @property
    def names(self) -> list[str]:
        """The pieces that hold rows, the oldest first."""
        return [piece.name for piece in self._pieces.values()]

    def add(self, name: str, rows: Int32[np.ndarray, " k"]) -> None:
        """A piece was written with these rows, each once."""
        self._home = np.concatenate((self._home, np.full(max(int(rows.max()) + 1 - self._home.size, 0), -1)))
        left, counts = np.unique(self._home[rows], return_counts=True)
        for serial, count in zip(left.tolist(), counts.tolist(), strict=True):
            if serial >= 0:
                self._pieces[serial].live -= count
                if not self._pieces[serial].live:
                    del self._pieces[serial]
        self._home[rows] = self._serial
        self._pieces[self._serial] = _Piece(name, rows.size, rows.size)
        self._serial += 1

    def scattered(self, changed: int) -> Int64[np.ndarray, " m"]:
        """Rows that are to be written again beside the ``changed`` ones; none where all is in order."""
        live, stored = (sum(getattr(piece, one) for piece in self._pieces.values()) for one in ("live", "size"))
        crowded = len(self._pieces) > _SPARE + 4 * live / self.full
        if not crowded and stored <= 2 * live + _MOVED * self.full:
            return np.empty(0, np.int64)
        return np.flatnonzero(np.isin(self._home, self._emptiest(max(_MOVED * self.full, changed // 2))))

    def _emptiest(self, most: int) -> Sequence[int]:
        """The pieces with the fewest rows that count, ``most`` rows together."""
        order = sorted(self._pieces, key=lambda serial: self._pieces[serial].live)
        total = np.cumsum([self._pieces[serial].live for serial in order])
        return order[: int(np.searchsorted(total, most, side="right"))]
