"""Where anomalies go: episodes of consecutive events of one entity that do not touch one another."""

import numpy as np
from jaxtyping import Bool, Float64, Int64

__all__ = ["Episodes", "next_gap", "sizes"]


class Episodes:
    """Claims rows of a stream, in the entity's own order, for one anomaly each.

    ``entity`` gives every row's entity; rows before ``first`` are never claimed; between two claims of
    an entity ``margin`` of its own events stay untouched, so that an anomaly has a clean context.

    >>> episodes = Episodes(np.random.default_rng(0), np.arange(100) % 2, first=10, margin=3)
    >>> [rows.tolist() for rows in episodes.runs(4, (2, 2))]
    [[82, 84], [36, 38]]
    """

    def __init__(self, rng: np.random.Generator, entity: Int64[np.ndarray, " n"], *, first: int, margin: int) -> None:
        self._rng = rng
        self._entity = entity
        self._first = first
        self._margin = margin
        self._order = np.argsort(entity, kind="stable")
        self._place = np.empty(len(entity), np.int64)
        self._place[self._order] = np.arange(len(entity))
        self._taken = np.zeros(len(entity), np.bool_)

    def claim(self, rows: Int64[np.ndarray, " k"]) -> bool:
        """Take ``rows`` (one entity's, in its order) if they and their surroundings are free."""
        if not len(rows) or rows.min() < self._first:
            return False
        entity = self._entity[rows[0]]
        start, stop = int(self._place[rows[0]]), int(self._place[rows[-1]]) + 1
        around = self._order[max(start - self._margin, 0) : stop + self._margin]
        if np.any(self._taken[around] & (self._entity[around] == entity)):
            return False
        self._taken[rows] = True
        return True

    def following(self, row: int, length: int) -> Int64[np.ndarray, " k"]:
        """``row`` and its entity's next events, ``length`` in all; none where the entity has fewer."""
        place = int(self._place[row])
        rows = self._order[place : place + length]
        return rows if len(rows) == length and self._entity[rows[-1]] == self._entity[row] else rows[:0]

    def runs(
        self,
        quota: int,
        run: tuple[int, int],
        *,
        lead: int = 0,
        eligible: Bool[np.ndarray, " n"] | None = None,
    ) -> list[Int64[np.ndarray, " k"]]:
        """Episodes of ``run`` labelled events each until there are ``quota``, with ``lead`` rows before them.

        Only runs whose rows are all ``eligible`` are taken. A stream too short for the quota gets fewer.
        """
        open_rows = np.ones(len(self._entity), np.bool_) if eligible is None else eligible
        starts = self._rng.permutation(np.flatnonzero(open_rows))
        found: list[Int64[np.ndarray, " k"]] = []
        for start in starts.tolist():
            if quota <= 0:
                break
            length = min(int(self._rng.integers(run[0], run[1] + 1)), quota)
            rows = self.following(start, lead + length)
            if len(rows) and open_rows[rows].all() and self.claim(rows):
                found.append(rows)
                quota -= length
        return found


def sizes(rng: np.random.Generator, quota: int, run: tuple[int, int]) -> list[int]:
    """Sizes of bursts that sum up to ``quota``.

    >>> sizes(np.random.default_rng(0), 20, (6, 8))
    [8, 7, 5]
    """
    found: list[int] = []
    while quota > 0:
        found.append(min(int(rng.integers(run[0], run[1] + 1)), quota))
        quota -= found[-1]
    return found


def next_gap(entity: Int64[np.ndarray, " n"], seconds: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    """Seconds from each event to its entity's next one; infinite for the last.

    >>> next_gap(np.array([0, 1, 0]), np.array([0.0, 1.0, 5.0])).tolist()
    [5.0, inf, inf]
    """
    order = np.lexsort((seconds, entity))
    gap = np.full(len(entity), np.inf)
    same = entity[order[1:]] == entity[order[:-1]]
    gap[order[:-1]] = np.where(same, np.diff(seconds[order]), np.inf)
    return gap
