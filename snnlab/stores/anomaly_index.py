"""Which index the anomalies of a filter are best found by, in any store, and the indexes of the embedded one.

An index begins with what it is for and goes on in the order of a page. Of several that fit, a count that stops early
tells which reads few. In the embedded store an index holds every column that is asked for: a page reads nothing else
until it knows its rows.
"""

import sqlite3
from collections.abc import Callable, Mapping

__all__ = ["CONDITIONS", "INDEXES", "SCHEMA", "best", "chosen", "narrowing"]

CONDITIONS = {
    "since": "detected_at >= ?",
    "until": "detected_at < ?",
    "anomaly_type": "anomaly_type = ?",
    "severity_min": "severity >= ?",
    "entity": "entity = ?",
    "model": "model = ?",
    "stream": "stream = ?",
}
INDEXES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "entity": (("entity",), ("entity",)),
    "model_stream": (("model", "stream"), ("model", "stream")),
    "type": (("anomaly_type",), ("anomaly_type",)),
    "severity": (("severity_min",), ("severity",)),
    "stream": (("stream",), ("stream",)),
    "model": (("model",), ("model",)),
    "time": ((), ()),
}
"""By name, the most selective ones first: what a filter must ask for, and the columns that the index begins with."""
_ALL = ("detected_at", "anomaly_id", "anomaly_type", "severity", "entity", "model", "stream", "expires_at")
_FEW = 10_000  # entries of an index that are read in some milliseconds


def _schema() -> str:
    old = ("time", "stream", "entity", "type", "model")
    lines = [f"DROP INDEX IF EXISTS anomalies_by_{name}" for name in old]
    for name, (_, first) in INDEXES.items():
        columns = ", ".join([*first, *(column for column in _ALL if column not in first)])
        lines.append(f"CREATE INDEX IF NOT EXISTS anomalies_of_{name} ON anomalies ({columns})")
    return ";\n".join(lines)


SCHEMA = _schema()
"""Makes the indexes, and drops those of the format before."""


def best(asked: Mapping[str, object], is_few: Callable[[str], bool]) -> str:
    """The index for a filter; ``is_few`` counts whether one would read few entries.

    >>> best({"model": "web", "anomaly_type": "latency_spike"}, lambda index: index == "model")
    'model'
    """
    fit = [name for name, (named, _) in INDEXES.items() if set(named) <= asked.keys()]
    if len(fit) > 1 and not {"since", "until"} & asked.keys():
        fit.remove("time")
    counts = len(fit) > 1 or "severity" in fit
    few = next((name for name in fit if counts and is_few(name)), None)
    # Where all read many, the page is likely to be full soon in its own order, which that of severity is not.
    return few or next((name for name in fit if name != "severity"), "time")


def narrowing(name: str, asked: Mapping[str, object]) -> list[str]:
    """The parts of a filter that say which entries of an index are read."""
    return [*INDEXES[name][0], *(one for one in ("since", "until") if one in asked and name != "severity")]


def chosen(connection: sqlite3.Connection, asked: Mapping[str, object]) -> str:
    """The embedded store's index for a filter."""

    def is_few(name: str) -> bool:
        where = " AND ".join(CONDITIONS[one] for one in narrowing(name, asked)) or "TRUE"
        query = f"SELECT 1 FROM anomalies INDEXED BY anomalies_of_{name} WHERE {where} LIMIT {_FEW}"  # noqa: S608
        values = [asked[one] for one in narrowing(name, asked)]
        (count,) = connection.execute(f"SELECT count(*) FROM ({query})", values).fetchone()  # noqa: S608
        return int(count) < _FEW

    return f"anomalies_of_{best(asked, is_few)}"
