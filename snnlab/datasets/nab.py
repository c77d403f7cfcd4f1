"""NAB, the Numenta Anomaly Benchmark: 58 univariate series of metrics, sensors and counts, 116 windows of truth.

Lavin, Ahmad: Evaluating real-time anomaly detection algorithms, ICMLA 2015; MIT. A detector meets a whole file online;
the first 15 % of it, at most 750 rows, are its probation and not scored.
"""

import json
from pathlib import Path

import numpy as np
from jaxtyping import Int64

from snnlab.datasets.folder import stems, table_in
from snnlab.datasets.labelled import LabelledStream
from snnlab.datasets.times import microseconds
from snnlab.errors import DatasetMissing, FileFormatError
from snnlab.events import EventBatch

__all__ = ["load", "parts", "probation"]

WINDOWS = "labels/combined_windows.json"


def parts(folder: Path) -> list[str]:
    """Names of the files that are there and have labels: ``realTweets/Twitter_volume_GOOG`` and so on."""
    labelled = {name.removesuffix(".csv") for name in _windows(folder)} if (folder / WINDOWS).is_file() else set()
    return [name for name in stems(folder / "data", "*/*") if name in labelled]


def load(folder: Path, name: str) -> LabelledStream:
    """One file: ``label`` is 1 inside its windows, ``train`` is its probation, ``meta`` has the category.

    Raises DatasetMissing and FileFormatError.
    """
    table = table_in(folder / "data", name, ("timestamp", "value"))
    times = microseconds(table.column("timestamp"), "timestamp")
    windows = [_rows(times, first, last, name) for first, last in _windows(folder)[f"{name}.csv"]]
    label = np.zeros(len(times), dtype=np.int8)
    for first, last in windows:
        label[first : last + 1] = 1
    events = EventBatch.from_columns(
        table.column("value").to_numpy().astype(float)[:, None], ["value"], timestamps=times
    )
    meta = {"set": "nab", "category": name.split("/", maxsplit=1)[0], "probation": probation(len(times))}
    return LabelledStream(name, events, label, windows=windows, train=probation(len(times)), meta=meta)


def probation(rows: int) -> int:
    """How many of the first rows are not scored.

    >>> probation(4000), probation(10_000)
    (600, 750)
    """
    return min(int(0.15 * rows), 750)


def _windows(folder: Path) -> dict[str, list[list[str]]]:
    path = folder / WINDOWS
    if not path.is_file():
        raise DatasetMissing(f"{path} is not there; `snnlab data fetch nab` brings it")
    try:
        windows: dict[str, list[list[str]]] = json.loads(path.read_text())
    except ValueError as wrong:
        raise FileFormatError(f"{path} is no JSON ({wrong}); fetch the set again") from wrong
    return windows


def _rows(times: Int64[np.ndarray, " n"], first: str, last: str, name: str) -> tuple[int, int]:
    """A window as rows: the first row of each of its two times, as the benchmark's own scorer reads it."""
    rows = []
    for text in (first, last):
        at = np.flatnonzero(times == np.datetime64(text, "us").astype(np.int64))
        if not len(at):
            raise FileFormatError(f"no row of {name} is at {text}, where a window begins or ends; fetch the set again")
        rows.append(int(at[0]))
    return rows[0], rows[1]
