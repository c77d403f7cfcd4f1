"""The pool of entities: which state row each entity has, with a cap on how many rows there are.

An entity gets a row when its first event comes. Where all rows are taken, the entity that has been silent longest gives
its row up and is forgotten.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int32

from snnlab.events import Categorical

__all__ = ["EntityPool"]


@dataclass
class EntityPool:
    """Rows by entity, the least recently seen first (dicts keep the order in which they were filled).

    >>> pool = EntityPool(limit=2)
    >>> pool.assign(["a", "b", "a", "c"])
    ([0, 1, 0, 1], [(3, 1)])
    """

    limit: int = 100_000
    rows: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    def row(self, entity: str) -> tuple[int, bool]:
        """The row of an entity, and whether its last owner must be forgotten first."""
        row = self.rows.pop(entity, -1)
        taken = False
        if row < 0:
            taken = len(self.rows) >= self.limit
            row = self.rows.pop(next(iter(self.rows))) if taken else len(self.rows)
        self.rows[entity] = row
        return row, taken

    def assign(self, entities: Iterable[str]) -> tuple[list[int], list[tuple[int, int]]]:
        """Rows of entities in order, and (place, row) wherever a row changes hands."""
        rows, changes = [], []
        for place, entity in enumerate(entities):
            row, taken = self.row(entity)
            rows.append(row)
            if taken:
                changes.append((place, row))
        return rows, changes

    def place(self, entities: Categorical) -> Int32[np.ndarray, " n"] | None:
        """Rows of a batch at once; None where it must be placed event by event: a row would change hands within it."""
        codes = entities.codes
        if len(codes) == 1:
            return self._place_one(entities.vocabulary[codes[0]])
        known, first, last, places = _seen(codes)
        order = np.argsort(last).tolist()
        words = [entities.vocabulary[code] for code in known.tolist()]
        if len(self.rows) + sum(word not in self.rows for word in words) > self.limit:
            return None
        if len(set(words)) < len(words):  # Arrow lets a word have two codes; it is one entity all the same
            return None
        rows = np.empty(len(words), np.int32)
        new = sorted((i for i, word in enumerate(words) if word not in self.rows), key=lambda i: int(first[i]))
        fresh = {i: len(self.rows) + at for at, i in enumerate(new)}
        for i in order:
            rows[i] = fresh[i] if i in fresh else self.rows.pop(words[i])
            self.rows[words[i]] = int(rows[i])
        placed: Int32[np.ndarray, " n"] = rows[places]
        return placed

    def _place_one(self, entity: str) -> Int32[np.ndarray, " 1"] | None:
        if entity not in self.rows and len(self.rows) >= self.limit:
            return None
        row = self.rows.pop(entity, len(self.rows))  # last in the order of being seen
        self.rows[entity] = row
        return np.array([row], np.int32)


def _seen(codes: Int32[np.ndarray, " n"]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Different codes, where each comes first and last, and where each event's code stands among them."""
    known, places = np.unique(codes, return_inverse=True)
    first, last = np.empty(len(known), np.int64), np.empty(len(known), np.int64)
    at = np.arange(len(codes))
    last[places] = at
    first[places[::-1]] = at[::-1]
    return known, first, last, places
