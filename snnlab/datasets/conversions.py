"""Originals of public sets laid out as the loaders read them: one CSV file a stream, with a header."""

import gzip
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

from snnlab.datasets import asd, card_fraud, nsl_kdd
from snnlab.datasets.pickled import read_array, read_frame
from snnlab.errors import FileFormatError

__all__ = ["CONVERSIONS"]


def convert_asd(original: Path, folder: Path) -> None:
    """Pickled arrays of rows by metrics, and of labels, as ``omi-N_train.csv`` and ``omi-N_test.csv``."""
    for path in sorted(original.glob("omi-*_train.pkl")):
        server = path.name.removesuffix("_train.pkl")
        for part in ("train", "test"):
            values = _array(original / f"{server}_{part}.pkl")
            columns = {name: pa.array(values[:, i]) for i, name in enumerate(asd.METRICS)}
            if part == "test":
                columns["label"] = pa.array(_array(original / f"{server}_test_label.pkl").astype(np.int8))
            _write(pa.table(columns), folder / f"{server}_{part}.csv")


def convert_nsl_kdd(original: Path, folder: Path) -> None:
    """The texts without a header as ``train20.csv`` and ``test.csv``, with a label made of the attack."""
    header = pyarrow.csv.ReadOptions(column_names=[*nsl_kdd.COLUMNS, "attack", "difficulty"])
    for source, stem in (("KDDTrain+_20Percent.txt", "train20"), ("KDDTest+.txt", "test")):
        try:
            table = pyarrow.csv.read_csv(original / source, header)
        except pa.ArrowInvalid as wrong:
            raise FileFormatError(f"{source} is not the NSL-KDD text that was expected: {wrong}") from wrong
        label = pa.array(np.array([word != "normal" for word in table.column("attack").to_pylist()], dtype=np.int8))
        _write(table.append_column("label", label), folder / f"{stem}.csv")


def convert_process_logs(original: Path, folder: Path) -> None:
    """JSON logs as one CSV a log, cases in the order of their starts.

    The originals' own times and words give the truth away: inserted events have no time, moved ones stand out of order,
    and inserted activities are called "Random activity". So an event keeps its place in the case only, and words and
    case ids become hashes.
    """
    for path in sorted(original.glob("*.json.gz")):
        try:
            cases = json.loads(gzip.decompress(path.read_bytes()))["cases"]
            attributes = _attributes(cases)
            rows = [row for case in sorted(cases, key=_begin) for row in _events(case, attributes)]
        except (KeyError, TypeError, ValueError, OSError, EOFError) as wrong:
            raise FileFormatError(f"{path.name} is not the event log that was expected: {wrong!r}") from wrong
        _write(pa.Table.from_pylist(rows), folder / path.name.replace(".json.gz", ".csv"))


def convert_card_fraud(original: Path, folder: Path) -> None:
    """Pickled tables, one a day, as one CSV a month."""
    for month, days in groupby(sorted(original.glob("20*.pkl")), key=lambda path: path.name[:7]):
        tables = [_day(path) for path in days]
        _write(pa.concat_tables(tables), folder / f"{month}.csv")


CONVERSIONS: dict[str, Callable[[Path, Path], None]] = {
    "asd": convert_asd,
    "nsl_kdd": convert_nsl_kdd,
    "process_logs": convert_process_logs,
    "card_fraud": convert_card_fraud,
}
"""The sets whose originals are not what the loaders read, and what turns them into it: (originals, folder) -> None."""


def _array(path: Path) -> np.ndarray:
    return read_array(path.read_bytes(), path.name)


def _begin(case: dict[str, Any]) -> datetime:
    times = [event["timestamp"] for event in case["events"] if event["timestamp"]]
    return min(datetime.fromisoformat(time).astimezone(UTC) for time in times)


def _hash(word: str | None, prefix: str, digits: int = 6) -> str:
    return f"{prefix}_{sha256((word or '').encode()).hexdigest()[:digits]}"


def _attributes(cases: list[dict[str, Any]]) -> list[str]:
    return sorted(
        {key for case in cases for event in case["events"] for key in event["attributes"] if key[:4] == "org:"}
    )


def _events(case: dict[str, Any], attributes: list[str]) -> Iterable[dict[str, Any]]:
    truth = case["attributes"]["label"]
    normal = truth == "normal"
    begin = _begin(case).strftime("%Y-%m-%dT%H:%M:%SZ")
    for index, event in enumerate(case["events"]):
        yield {
            "case_id": _hash(case["id"], "c", 8),
            "event_index": index,
            "case_start": begin,
            "activity": _hash(event["name"], "act"),
            **{key.replace(":", "_"): _hash(event["attributes"].get(key), "org") for key in attributes},
            "case_label": int(not normal),
            "anomaly_type": "Normal" if normal else truth["anomaly"],
        }


def _day(path: Path) -> pa.Table:
    frame = read_frame(path.read_bytes(), path.name)
    columns = {}
    for name in card_fraud.COLUMNS:
        if name not in frame:
            raise FileFormatError(f"{path.name} lacks {name}; it has {sorted(frame)}")
        values = frame[name]
        columns[name] = pa.array(values.astype("M8[s]") if values.dtype.kind == "M" else values.tolist())
    return pa.table(columns)


def _write(table: pa.Table, path: Path) -> None:
    part = path.with_name(f".{path.name}.part")
    pyarrow.csv.write_csv(table, part)
    part.replace(path)
