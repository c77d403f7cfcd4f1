"""Score a stream: one verdict an event, in the order of the input, and a file that says so."""

import csv
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import IO

import numpy as np

from snnlab.datasets.labelled import LabelledStream
from snnlab.detectors import Detector, Verdicts
from snnlab.detectors.detector import DeadLetter
from snnlab.domains.domain import FOREVER_US
from snnlab.errors import ConfigError
from snnlab.evaluation import Cost, measured
from snnlab.evaluation.prequential import concatenated
from snnlab.events import EventBatch
from snnlab.features.clock import UNSEEN
from snnlab.tracking.replays import later

__all__ = ["COLUMNS", "Scoring", "disorder", "score", "untimed", "write_scores"]

COLUMNS = ("event_id", "timestamp", "entity", "score", "severity", "anomaly", "type")
"""Columns of a file of scores."""

DISORDERED = 0.2
"""Share of rows earlier than the one before them of their entity from which the times of a file are not its order."""


@dataclass(frozen=True)
class Scoring:
    """Verdicts on a stream, in its order, and the events that could not be scored."""

    stream: LabelledStream
    verdicts: Verdicts
    rejected: tuple[DeadLetter, ...]
    cost: Cost | None = None
    """What the run took; None for a detector without a reservoir."""


def score(
    detector: Detector,
    stream: LabelledStream,
    *,
    learn: bool = True,
    batch: int = 1000,
    lateness_us: int = FOREVER_US,
    progress: Callable[[int], object] | None = None,
) -> Scoring:
    """Let the detector judge every event in turn, and learn from it afterwards unless told not to.

    The stream is a new one to the detector: its entities' clocks start again. A stream from before what the detector
    has seen is judged as if it came after, by whole weeks; the times of a stream in disorder are not used, see
    ``untimed``; of any other, an event is rejected that comes more than ``lateness_us`` behind its entity's last: none,
    unless said otherwise. Training rows are learnt from in any case. ``progress`` is told how many more were scored.
    Raises EventError for events that the detector cannot read.

    >>> from snnlab.datasets.generators import generate
    >>> stream = generate("sensor", seed=1, events=600)
    >>> len(score(Detector.for_events("sensor", stream.events), stream).verdicts)
    600
    """
    ordered = untimed(stream) if disorder(stream) > DISORDERED else stream
    events = later(ordered, _until(detector)).events
    detector.restart(lateness_us=lateness_us)
    cuts = [*range(0, stream.train, batch), *range(stream.train, len(events), batch), len(events)]
    parts: list[Verdicts] = []
    rejected: list[DeadLetter] = []
    with measured(detector) as measuring:
        for start, stop in pairwise(cuts):
            parts.append(detector.process(events.slice(start, stop), learn=learn or stop <= stream.train))
            rejected.extend(detector.rejected)
            if progress is not None:
                progress(stop - start)
    found = concatenated(parts or [detector.process(events, learn=learn)])
    return Scoring(stream, found, tuple(rejected), measuring.cost)


def _until(detector: Detector) -> int | None:
    """The time (µs) up to which the detector has seen events; None where it has seen none."""
    last = max(int(shard.state["clock/last"].max()) for shard in detector.shards)
    return None if last == UNSEEN else last + 1


def disorder(stream: LabelledStream) -> float:
    """The share of rows whose time is before that of their entity's row before.

    >>> events = EventBatch.from_columns(np.ones((3, 1)), ["cpu"], timestamps=[30, 20, 10])
    >>> round(disorder(LabelledStream("backwards", events, np.zeros(3, np.int8))), 2)
    0.67
    """
    if not len(stream):
        return 0.0
    codes, times = stream.events.entities.codes, stream.events.timestamps
    order = np.argsort(codes, kind="stable")
    back = (np.diff(times[order]) < 0) & (np.diff(codes[order]) == 0)
    return float(back.sum() / len(stream))


def untimed(stream: LabelledStream) -> LabelledStream:
    """The stream in its own order, a second from row to row, for one whose times say nothing about it."""
    import pyarrow as pa

    record = stream.events.record
    at = record.schema.get_field_index("timestamp")
    seconds = pa.array(np.arange(len(stream), dtype=np.int64) * 1_000_000)
    return replace(stream, events=EventBatch(record.set_column(at, record.schema.field(at), seconds)))


def write_scores(scorings: list[Scoring], target: Path | IO[str]) -> None:
    """Write one row an event, in the order of the input, as CSV with ``COLUMNS``.

    ``timestamp`` is in µs since 1970 UTC; an event that was rejected has an empty score and is no anomaly. With more
    than one stream, ``event_id`` is the stream's name, a slash and the id. Raises ConfigError for a path that cannot
    be written.
    """
    if not isinstance(target, Path):
        _write(scorings, target)
        return
    try:
        with target.open("w", encoding="utf-8", newline="") as out:
            _write(scorings, out)
    except OSError as wrong:
        raise ConfigError(
            f"scores cannot be written to {str(target)!r}: {wrong.strerror}; name another file"
        ) from wrong


def _write(scorings: list[Scoring], out: IO[str]) -> None:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for scoring in scorings:
        prefix = f"{scoring.stream.name}/" if len(scorings) > 1 else ""
        found = scoring.verdicts
        rows = zip(
            found.event_id,
            scoring.stream.events.timestamps.tolist(),
            found.entity,
            found.score.tolist(),
            found.severity.tolist(),
            found.anomaly.tolist(),
            found.type,
            strict=True,
        )
        for event, time, entity, value, severity, anomaly, kind in rows:
            known = "" if np.isnan(value) else f"{value:.9g}"
            writer.writerow((prefix + event, time, entity, known, f"{severity:.6g}", int(anomaly), kind))
