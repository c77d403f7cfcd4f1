"""Habits of a normal stream: columns in standard deviations of what was seen of the same entity, or category."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int64

from snnlab.events import Categorical, EventBatch

__all__ = ["Habits"]

_DAY_US = 86_400e6
_LIMIT = 20.0


@dataclass(frozen=True, eq=False)
class Habits:
    """Mean and spread of each column, for each word that it is held against; what was never seen is held against all.

    ``by`` names, for each column, the category that it is held against, or "entity".

    >>> load, servers = np.array([[1.0], [3.0], [9.0], [9.5]]), ["a", "a", "b", "b"]
    >>> events = EventBatch.from_columns(load, ["load"], entities=servers)
    >>> habits = Habits.of(events, {})
    >>> habits.standings(events)[0][:, 0].tolist(), habits.standings(events)[1].tolist()
    ([-1.0, 1.0, -1.0, 1.0], [0, 0, 1, 1])
    """

    by: tuple[str, ...]
    known: dict[str, dict[str, int]]
    mean: tuple[Float64[np.ndarray, " r"], ...]
    spread: tuple[Float64[np.ndarray, " r"], ...]

    @classmethod
    def of(cls, normal: EventBatch, by: Mapping[str, str]) -> "Habits":
        """The habits of ``normal`` events."""
        keys = tuple(by.get(name, "entity") for name in normal.names)
        words = {key: _words(normal, key) for key in {*keys, "entity"}}
        known = {key: {word: at for at, word in enumerate(dict.fromkeys(one.words()))} for key, one in words.items()}
        found = [_moments(column, _rows(words[key], known[key]), len(known[key]))
                 for key, column in zip(keys, normal.values.T, strict=True)]  # fmt: skip
        return cls(keys, known, tuple(mean for mean, _ in found), tuple(spread for _, spread in found))

    @property
    def entities(self) -> dict[str, int]:
        """The row of each entity; one more is for those that were never seen."""
        return self.known["entity"]

    def standings(self, batch: EventBatch) -> tuple[Float32[np.ndarray, "n x"], Int64[np.ndarray, " n"]]:
        """The columns in standard deviations, then the sine and cosine of the time of day; and each entity's row."""
        rows = {key: _rows(_words(batch, key), known) for key, known in self.known.items()}
        out = np.empty((len(batch), len(self.by) + 2), np.float32)
        for at, key in enumerate(self.by):
            out[:, at] = (batch.values[:, at] - self.mean[at][rows[key]]) / self.spread[at][rows[key]]
        np.clip(out, -_LIMIT, _LIMIT, out=out)
        angle = 2.0 * np.pi * (batch.timestamps / _DAY_US % 1.0)
        out[:, -2], out[:, -1] = np.sin(angle), np.cos(angle)
        return out, rows["entity"]


def _words(batch: EventBatch, key: str) -> Categorical:
    return batch.entities if key == "entity" else batch.category(key)


def _rows(words: Categorical, known: Mapping[str, int]) -> Int64[np.ndarray, " n"]:
    rows = np.array([known.get(word, len(known)) for word in words.vocabulary], np.int64)
    found: Int64[np.ndarray, " n"] = rows[words.codes]
    return found


def _moments(
    column: Float64[np.ndarray, " n"], rows: Int64[np.ndarray, " n"], count: int
) -> tuple[Float64[np.ndarray, " r"], Float64[np.ndarray, " r"]]:
    """Mean and standard deviation of the column for each row, and last of all events; none is below a thousandth."""
    whole = max(float(column.std()), 1e-9)
    size = np.bincount(rows, minlength=count)
    mean = np.bincount(rows, column, count) / size
    spread = np.sqrt(np.bincount(rows, (column - mean[rows]) ** 2, count) / size)
    return np.append(mean, column.mean()), np.append(np.maximum(spread, 1e-3 * whole), whole)
