"""Prequential evaluation: every event is scored first and learnt from afterwards, in stream order."""

from collections.abc import Sequence
from dataclasses import fields, replace
from itertools import pairwise
from typing import Any, Protocol, TypeVar

import numpy as np

from snnlab.datasets.labelled import LabelledStream
from snnlab.errors import ConfigError
from snnlab.events import EventBatch

__all__ = ["Scorer", "concatenated", "run"]

V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)


class Scorer(Protocol[V_co]):
    """Anything that gives one verdict an event, in order: a Detector, or what stands in for one."""

    def process(self, batch: EventBatch, learn: bool = True) -> V_co:
        """Verdicts of a batch of events; learns from them afterwards when ``learn``."""


def run(
    detector: Scorer[V], stream: LabelledStream, learn: bool = True, batch: int = 1000, progress: bool = False
) -> V:
    """One verdict for every event of ``stream``, in its order; the labels are not shown to the detector.

    ``batch`` events go in at a time, which changes speed and never results; ``learn=False`` freezes the detector after
    the stream's training rows (the first ``stream.train``), which it always learns from. ``progress`` shows a bar.

    Source: A. P. Dawid, Statistical theory: the prequential approach, JRSS A 147, 1984.

    Raises:
        ConfigError: ``batch`` is less than 1.
    """
    if batch < 1:
        raise ConfigError(f"batch is {batch}: at least one event goes in at a time")
    events, train = stream.events, stream.train
    cuts = sorted(
        {*range(0, train, batch), *range(train, len(events), batch), len(events)} | ({train} if train else set())
    )
    pieces = []
    for start, stop in _shown(list(pairwise(cuts)), progress, stream.name):
        pieces.append(detector.process(events.slice(start, stop), learn=learn or stop <= train))
    return concatenated(pieces or [detector.process(events, learn=learn)])


def concatenated(parts: Sequence[V]) -> V:
    """Verdicts of consecutive batches as one: arrays, lists and events are joined, names are those of the first.

    Works on any frozen dataclass whose arrays, lists and events have one row an event.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Pair:
    ...     score: np.ndarray
    ...     names: tuple[str, ...]
    >>> concatenated([Pair(np.ones(2), ("a",)), Pair(np.zeros(1), ("a",))]).score.tolist()
    [1.0, 1.0, 0.0]
    """
    first: Any = parts[0]
    if len(parts) == 1:
        return parts[0]
    joined: dict[str, Any] = {}
    for field in fields(first):
        columns = [getattr(part, field.name) for part in parts]
        if isinstance(columns[0], np.ndarray):
            joined[field.name] = np.concatenate(columns)
        elif isinstance(columns[0], list):
            joined[field.name] = [item for column in columns for item in column]
        elif isinstance(columns[0], EventBatch):
            joined[field.name] = EventBatch.concat(columns)
    whole: V = replace(first, **joined)
    return whole


def _shown(spans: list[tuple[int, int]], progress: bool, name: str) -> Any:  # noqa: ANN401 - a bar iterates as its list
    if not progress:
        return spans
    from tqdm.auto import tqdm

    return tqdm(spans, desc=f"scoring {name}", unit="batch")
