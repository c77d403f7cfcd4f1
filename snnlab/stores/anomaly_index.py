"""The indexes of anomalies in the embedded store, and which of them a filter is best answered by.

Each index begins with what it is for, goes on in the order of a page, and holds every column that is asked for: a
page reads nothing but its index until it knows its rows. Of several that fit, a count that stops early tells which
reads few.
"""

import sqlite3
from collections.abc import Mapping

__all__ = ["CONDITIONS", "SCHEMA", "chosen"]

CONDITIONS = {
    "since": "detected_at >= ?",
    "until": "detected_at < ?",
    "anomaly_type": "anomaly_type = ?",
    "severity_min": "severity >= ?",
    "entity": "entity = ?",
    "model": "model = ?",
    "stream": "stream = ?",
}
_INDEXES = {  # what a filter must name, and the columns that come first; the order is that of preference
    "entity": (("entity",), ("entity",)),
    "model_stream": (("model", "stream"), ("model", "stream")),
    "type": (("anomaly_type",), ("anomaly_type",)),
    "severity": (("severity_min",), ("severity",)),
    "stream": (("stream",), ("stream",)),
    "model": (("model",), ("model",)),
    "time": ((), ()),
}
_ALL = ("detected_at", "anomaly_id", "anomaly_type", "severity", "entity", "model", "stream", "expires_at")
_FEW = 10_000  # entries of an index that are read in some milliseconds


def _schema() -> str:
    old = ("time", "stream", "entity", "type", "model")
    lines = [f"DROP INDEX IF EXISTS anomalies_by_{name}" for name in old]
    for name, (_, first) in _INDEXES.items():
        columns = ", ".join([*first, *(column for column in _ALL if column not in first)])
        lines.append(f"CREATE INDEX IF NOT EXISTS anomalies_of_{name} ON anomalies ({columns})")
    return ";\n".join(lines)


SCHEMA = _schema()
"""Makes the indexes, and drops those of the format before."""


def chosen(connection: sqlite3.Connection, asked: Mapping[str, object]) -> str:
    """The index by which to find the anomalies that are asked for."""
    fit = [name for name, (named, _) in _INDEXES.items() if set(named) <= asked.keys()]
    if len(fit) > 1 and not {"since", "until"} & asked.keys():
        fit.remove("time")
    counts = len(fit) > 1 or "severity" in fit
    few = (name for name in fit if counts and _is_few(connection, name, asked))
    # Where all read many, the page is likely to be full soon in its own order, which that of severity is not.
    likely = (name for name in fit if name != "severity")
    return f"anomalies_of_{next(few, None) or next(likely, 'time')}"


def _is_few(connection: sqlite3.Connection, name: str, asked: Mapping[str, object]) -> bool:
    conditions = [*_INDEXES[name][0], *(one for one in ("since", "until") if one in asked and name != "severity")]
    where = " AND ".join(CONDITIONS[one] for one in conditions) or "TRUE"
    query = f"SELECT 1 FROM anomalies INDEXED BY anomalies_of_{name} WHERE {where} LIMIT {_FEW}"  # noqa: S608
    values = [asked[one] for one in conditions]
    (count,) = connection.execute(f"SELECT count(*) FROM ({query})", values).fetchone()  # noqa: S608
    return int(count) < _FEW
