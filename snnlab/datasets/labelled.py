"""A stream with its truth: what the detector sees on one side, what only evaluation reads on the other."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int8

from snnlab.errors import EventError
from snnlab.events import EventBatch
from snnlab.types import Json

__all__ = ["LabelledStream"]


@dataclass(frozen=True, repr=False)
class LabelledStream:
    """``n`` events in the order in which a detector meets them, and the truth about them.

    ``label`` is 1 where an event is anomalous, else 0; ``kind`` the type of its anomaly, "" where there is none or it
    is not known; ``windows`` the true episodes as (first row, last row), both included, where the set is judged by
    windows; ``train`` how many of the first rows are for training, 0 where all are judged; ``meta`` what else is known.
    Raises EventError when lengths, labels or windows do not fit the events.

    >>> events = EventBatch.from_columns(np.array([[1.0], [9.0], [1.0]]), ["load"])
    >>> stream = LabelledStream("servers", events, np.array([0, 1, 0], dtype=np.int8), train=1)
    >>> stream
    LabelledStream('servers': 3 events, 1 anomalous, first 1 for training, features load)
    >>> len(stream.test), stream.test.label.tolist()
    (2, [1, 0])
    """

    name: str
    events: EventBatch
    label: Int8[np.ndarray, " n"]
    kind: Sequence[str] = ()
    windows: list[tuple[int, int]] | None = None
    train: int = 0
    meta: Json = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.events)
        label = np.asarray(self.label)
        if len(label) != n or not np.isin(label, (0, 1)).all():
            raise EventError(f"{len(label)} labels for the {n} events of {self.name!r}; give 0 or 1 for each event")
        kind = [""] * n if len(self.kind) == 0 else list(self.kind)
        if len(kind) != n:
            raise EventError(
                f"{len(kind)} anomaly types for the {n} events of {self.name!r}; give one or none for each"
            )
        if not 0 <= self.train <= n:
            raise EventError(f"{self.train} rows of {self.name!r} are for training, but it has {n}")
        for first, last in self.windows or ():
            if not 0 <= first <= last < n:
                raise EventError(f"window ({first}, {last}) of {self.name!r} is not within its {n} events")
        object.__setattr__(self, "label", label.astype(np.int8))
        object.__setattr__(self, "kind", kind)

    def __len__(self) -> int:
        return len(self.events)

    def __repr__(self) -> str:
        train = f", first {self.train} for training" if self.train else ""
        truth = f"{int(self.label.sum())} anomalous" if self.labelled else "no labels"
        features = ", ".join((*self.events.names, *self.events.category_names))
        return f"LabelledStream({self.name!r}: {len(self)} events, {truth}{train}, features {features})"

    @property
    def labelled(self) -> bool:
        """Whether the truth is known: a user's file may have none, and then ``label`` is 0 throughout."""
        return bool(self.meta.get("labelled", True))

    @property
    def training(self) -> "LabelledStream":
        """The first ``train`` rows."""
        return self.slice(0, self.train)

    @property
    def test(self) -> "LabelledStream":
        """The rows after the first ``train``."""
        return self.slice(self.train, len(self))

    def slice(self, start: int, stop: int) -> "LabelledStream":
        """Rows ``start`` to ``stop`` (not included); windows are cut at the ends and counted anew from ``start``."""
        start, stop, _ = slice(start, stop).indices(len(self))
        stop = max(start, stop)
        windows = self.windows and [
            (max(first, start) - start, min(last, stop - 1) - start)
            for first, last in self.windows
            if first < stop and last >= start
        ]
        train = min(max(self.train - start, 0), stop - start)
        part = self.events.slice(start, stop)
        return LabelledStream(self.name, part, self.label[start:stop], self.kind[start:stop], windows, train, self.meta)
