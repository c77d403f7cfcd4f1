"""Confusion by anomaly type: which type was named for what was truly there."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64
from numpy.typing import ArrayLike

from snnlab.errors import DataError
from snnlab.evaluation.tables import as_html, as_text
from snnlab.types import Json

__all__ = ["Confusion", "confusion"]


@dataclass(frozen=True)
class Confusion:
    """Truth (rows) by named type (columns), counted over true detections: flagged events that are anomalies.

    ``missed`` counts the anomalies of each true type that were not flagged; ``false_alarms`` the normal events that
    were flagged as each named type.
    """

    truth: tuple[str, ...]
    named: tuple[str, ...]
    counts: Int64[np.ndarray, "t p"]
    missed: Int64[np.ndarray, " t"]
    false_alarms: Int64[np.ndarray, " p"]

    @property
    def by_type(self) -> dict[str, float]:
        """Share of each true type's detections that were named as it; NaN where none was detected."""
        shares = {}
        for row, name in enumerate(self.truth):
            detected = int(self.counts[row].sum())
            right = int(self.counts[row, self.named.index(name)]) if name in self.named else 0
            shares[name] = right / detected if detected else float("nan")
        return shares

    @property
    def accuracy(self) -> float:
        """Share of all true detections with the right type; NaN where there are none."""
        total = int(self.counts.sum())
        right = sum(int(self.counts[row, self.named.index(n)]) for row, n in enumerate(self.truth) if n in self.named)
        return right / total if total else float("nan")

    @property
    def mean_accuracy(self) -> float:
        """Mean over the types that were detected at all, each counting the same; NaN where there are none."""
        shares = np.array(list(self.by_type.values()))
        return float(np.nanmean(shares)) if len(shares) and not np.isnan(shares).all() else float("nan")

    def to_json(self) -> Json:
        """Plain lists and numbers."""
        return {
            "truth": list(self.truth),
            "named": list(self.named),
            "counts": self.counts.tolist(),
            "missed": self.missed.tolist(),
            "false_alarms": self.false_alarms.tolist(),
            "accuracy": self.accuracy,
            "mean_accuracy": self.mean_accuracy,
        }

    def _table(self) -> list[list[str]]:
        head = ["truth", *self.named, "missed"]
        rows = [[name, *map(str, self.counts[i].tolist()), str(self.missed[i])] for i, name in enumerate(self.truth)]
        return [head, *rows, ["(normal)", *map(str, self.false_alarms.tolist()), ""]]

    def __str__(self) -> str:
        return as_text(self._table())

    def _repr_html_(self) -> str:
        return as_html(self._table())


def confusion(flag: ArrayLike, named: Sequence[str], kind: Sequence[str]) -> Confusion:
    """Count ``named`` types against true ``kind`` ("" is a normal event) where ``flag`` is set; one of each an event.

    Raises:
        DataError: the three differ in length.

    >>> named = ["spike", "fraud", "spike", "", "fraud"]
    >>> table = confusion([1, 1, 1, 0, 1], named, ["spike", "spike", "", "fraud", "fraud"])
    >>> print(table)
    truth     fraud  spike  missed
    fraud         1      0       1
    spike         1      1       0
    (normal)      0      1
    >>> table.accuracy, table.mean_accuracy
    (0.6666666666666666, 0.75)
    """
    flags = np.asarray(flag).astype(bool)
    if not len(flags) == len(named) == len(kind):
        raise DataError(
            f"{len(flags)} flags, {len(named)} named types, {len(kind)} true types: give one of each an event"
        )
    guess, true = np.asarray(named, object), np.asarray(kind, object)
    anomalous = true != ""
    rows = tuple(sorted(set(true[anomalous].tolist())))
    columns = tuple(sorted({*rows, *guess[flags].tolist()}))
    counts = np.zeros((len(rows), len(columns)), np.int64)
    for here, said in zip(true[flags & anomalous], guess[flags & anomalous], strict=True):
        counts[rows.index(here), columns.index(said)] += 1
    missed = np.array([int((~flags & (true == name)).sum()) for name in rows], np.int64)
    false = np.array([int((flags & ~anomalous & (guess == name)).sum()) for name in columns], np.int64)
    return Confusion(rows, columns, counts, missed, false)
