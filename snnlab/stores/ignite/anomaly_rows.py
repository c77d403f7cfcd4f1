"""Anomalies in Ignite: a table with an index for each filter, newest first."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from snnlab.events.anomaly import Anomaly
from snnlab.stores.anomaly_index import CONDITIONS, INDEXES, best, narrowing
from snnlab.stores.anomaly_table import cursor_of, place_of
from snnlab.stores.base import AnomalyFilter, AnomalyPage

if TYPE_CHECKING:
    from pyignite import Client

__all__ = ["AnomalyRows", "Known"]

_COLUMNS = "anomaly_id, detected_at, anomaly_type, severity, entity, model, stream, expires_at, body"
_FEW = 4_000  # entries of an index that are read in some milliseconds
_KNOWN_S = 60.0
_MOST_KNOWN = 10_000
_ALIVE = "(expires_at IS NULL OR expires_at > ?)"
_AT_ONCE = 200
# Tables share partitions: each takes a file, and memory of the server's heap. No table has a dot in its name, which
# may not be a group's.
_GROUP = "snnlab.anomalies"


class Known:
    """Which entries of an index are few, remembered for a minute: to count them takes Ignite longer than a page.

    >>> known = Known()
    >>> known.put(("type", ("latency_spike",)), few=True)
    >>> known.get(("type", ("latency_spike",))), known.get(("type", ("other",)))
    (True, None)
    """

    def __init__(self) -> None:
        self._found: dict[tuple[str, tuple[object, ...]], tuple[bool, float]] = {}

    def get(self, key: tuple[str, tuple[object, ...]]) -> bool | None:
        """Whether they are few; None where it was not asked of late."""
        few, at = self._found.get(key, (False, float("-inf")))
        return few if time.monotonic() - at < _KNOWN_S else None

    def put(self, key: tuple[str, tuple[object, ...]], *, few: bool) -> None:
        """Remember it."""
        if len(self._found) >= _MOST_KNOWN:
            self._found.clear()
        self._found[key] = few, time.monotonic()


@dataclass(frozen=True)
class AnomalyRows:
    """The table ``name`` as one connection sees it."""

    client: "Client"
    name: str
    known: "Known"

    def make(self) -> None:
        """Make the table and its indexes, if they are not there."""
        self._ask(
            f"CREATE TABLE IF NOT EXISTS {self.name} (anomaly_id VARCHAR PRIMARY KEY, detected_at BIGINT, "
            "anomaly_type VARCHAR, severity DOUBLE, entity VARCHAR, model VARCHAR, stream VARCHAR, expires_at BIGINT, "
            f'body VARCHAR) WITH "cache_name={self.name},cache_group={_GROUP},template=partitioned,backups=1,'
            'write_synchronization_mode=full_sync"'
        )
        for index, (_, first) in INDEXES.items():
            columns = ", ".join([*first, "detected_at DESC", "anomaly_id DESC"])
            self._ask(f"CREATE INDEX IF NOT EXISTS {self._index(index)} ON {self.name} ({columns}) INLINE_SIZE 100")
        self._ask(f"CREATE INDEX IF NOT EXISTS {self.name}_by_expiry ON {self.name} (expires_at)")

    def write(self, anomalies: Sequence[Anomaly], expires_at: int | None) -> None:
        """Write anomalies; one whose id is there is written over."""
        marks = "(?, ?, ?, ?, ?, ?, ?, ?, ?)"
        for start in range(0, len(anomalies), _AT_ONCE):
            some = anomalies[start : start + _AT_ONCE]
            values = [value for anomaly in some for value in _row(anomaly, expires_at)]
            self._ask(f"MERGE INTO {self.name} ({_COLUMNS}) VALUES {', '.join([marks] * len(some))}", *values)

    def find(self, anomaly_id: str, now_us: int) -> Anomaly | None:
        """The anomaly of an id that has not expired."""
        query = f"SELECT body FROM {self.name} WHERE anomaly_id = ? AND {_ALIVE}"  # noqa: S608 - own name
        found = self._ask(query, anomaly_id, now_us)
        return Anomaly.from_json(json.loads(found[0][0])) if found else None

    def page(self, wanted: AnomalyFilter, limit: int, cursor: str | None, now_us: int) -> AnomalyPage:
        """One page, newest first: the id decides between anomalies of the same time."""
        asked = {name: value for name, value in wanted.model_dump().items() if value is not None}
        conditions, values = [CONDITIONS[name] for name in asked], [*asked.values()]
        if cursor is not None:
            detected_at, anomaly_id = place_of(cursor)
            conditions.append("detected_at <= ? AND (detected_at < ? OR anomaly_id < ?)")
            values += [detected_at, detected_at, anomaly_id]
        index = best(asked, lambda name: self._is_few(name, asked))
        first = [] if index == "severity" else INDEXES[index][1]
        order = ", ".join([*first, "detected_at DESC", "anomaly_id DESC"])
        where, use = " AND ".join([*conditions, _ALIVE]), f"{self.name} USE INDEX ({self._index(index)})"
        query = f"SELECT body FROM {use} WHERE {where} ORDER BY {order} LIMIT ?"  # noqa: S608 - own names
        found = self._ask(query, *values, now_us, limit + 1)
        items = tuple(Anomaly.from_json(json.loads(body)) for (body,) in found[:limit])
        return AnomalyPage(items, cursor_of(items[-1]) if len(found) > limit else None)

    def expire(self, now_us: int) -> int:
        """Remove the anomalies whose time has come; returns how many."""
        ((removed,),) = self._ask(f"DELETE FROM {self.name} WHERE expires_at <= ?", now_us)  # noqa: S608 - own name
        return int(removed)

    def _is_few(self, index: str, asked: Mapping[str, object]) -> bool:
        parts = narrowing(index, asked)
        key = index, tuple(asked[one] for one in parts)
        few = self.known.get(key)
        if few is None:
            few = self._count(index, parts, key[1]) < _FEW
            self.known.put(key, few=few)
        return few

    def _count(self, index: str, parts: Sequence[str], values: Sequence[object]) -> int:
        where, use = " AND ".join(CONDITIONS[one] for one in parts) or "TRUE", f"USE INDEX ({self._index(index)})"
        entries = f"SELECT detected_at FROM {self.name} {use} WHERE {where} LIMIT {_FEW}"  # noqa: S608 - own names
        ((count,),) = self._ask(f"SELECT count(*) FROM ({entries})", *values)  # noqa: S608
        return int(count)

    def _index(self, name: str) -> str:
        return f"{self.name}_by_{'anomaly_type' if name == 'type' else name}"

    def _ask(self, query: str, *values: object) -> list[list[Any]]:
        with self.client.sql(query, query_args=list(values)) as rows:
            return list(rows)


def _row(anomaly: Anomaly, expires_at: int | None) -> list[object]:
    from snnlab.stores.ignite.text import Text

    body = json.dumps(anomaly.to_json(), separators=(",", ":"))
    words = anomaly.anomaly_id, anomaly.anomaly_type, anomaly.entity, anomaly.model, anomaly.stream, body
    name, kind, entity, model, stream, told = ((word, Text) for word in words)
    return [name, anomaly.detected_at, kind, float(anomaly.severity), entity, model, stream, expires_at, told]
