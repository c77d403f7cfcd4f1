"""Anomalies in Ignite: a table with an index for each filter, newest first."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from snnlab.events.anomaly import Anomaly
from snnlab.stores.anomaly_table import cursor_of, place_of
from snnlab.stores.base import AnomalyFilter, AnomalyPage

if TYPE_CHECKING:
    from pyignite import Client

__all__ = ["AnomalyRows"]

_COLUMNS = "anomaly_id, detected_at, anomaly_type, severity, entity, model, stream, expires_at, body"
_CONDITIONS = {
    "since": "detected_at >= ?",
    "until": "detected_at < ?",
    "anomaly_type": "anomaly_type = ?",
    "severity_min": "severity >= ?",
    "entity": "entity = ?",
    "model": "model = ?",
    "stream": "stream = ?",
}
_LEADING = ("entity", "anomaly_type", "stream", "model")  # of several filters, the first of these chooses the index
_ALIVE = "(expires_at IS NULL OR expires_at > ?)"
_AT_ONCE = 200


@dataclass(frozen=True)
class AnomalyRows:
    """The table ``name`` as one connection sees it."""

    client: "Client"
    name: str

    def make(self) -> None:
        """Make the table and its indexes, if they are not there."""
        self._ask(
            f"CREATE TABLE IF NOT EXISTS {self.name} (anomaly_id VARCHAR PRIMARY KEY, detected_at BIGINT, "
            "anomaly_type VARCHAR, severity DOUBLE, entity VARCHAR, model VARCHAR, stream VARCHAR, expires_at BIGINT, "
            f'body VARCHAR) WITH "cache_name={self.name},template=partitioned,backups=1,'
            'write_synchronization_mode=full_sync"'
        )
        newest = "detected_at DESC, anomaly_id DESC"
        for index, columns in {"time": newest, **{column: f"{column}, {newest}" for column in _LEADING}}.items():
            self._ask(f"CREATE INDEX IF NOT EXISTS {self.name}_by_{index} ON {self.name} ({columns}) INLINE_SIZE 100")
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
        conditions, values = [_CONDITIONS[name] for name in asked], [*asked.values()]
        if cursor is not None:
            detected_at, anomaly_id = place_of(cursor)
            conditions.append("detected_at <= ? AND (detected_at < ? OR anomaly_id < ?)")
            values += [detected_at, detected_at, anomaly_id]
        leading = next((name for name in _LEADING if name in asked), None)
        order = f"{f'{leading}, ' if leading else ''}detected_at DESC, anomaly_id DESC"
        index = f"{self.name}_by_{leading or 'time'}"
        where = " AND ".join([*conditions, _ALIVE])
        query = f"SELECT body FROM {self.name} USE INDEX ({index}) WHERE {where} ORDER BY {order} LIMIT ?"  # noqa: S608
        found = self._ask(query, *values, now_us, limit + 1)
        items = tuple(Anomaly.from_json(json.loads(body)) for (body,) in found[:limit])
        return AnomalyPage(items, cursor_of(items[-1]) if len(found) > limit else None)

    def expire(self, now_us: int) -> int:
        """Remove the anomalies whose time has come; returns how many."""
        ((removed,),) = self._ask(f"DELETE FROM {self.name} WHERE expires_at <= ?", now_us)  # noqa: S608 - own name
        return int(removed)

    def _ask(self, query: str, *values: object) -> list[list[Any]]:
        with self.client.sql(query, query_args=list(values)) as rows:
            return list(rows)


def _row(anomaly: Anomaly, expires_at: int | None) -> list[object]:
    told = (anomaly.anomaly_id, anomaly.detected_at, anomaly.anomaly_type, float(anomaly.severity))
    body = json.dumps(anomaly.to_json(), separators=(",", ":"))
    return [*told, anomaly.entity, anomaly.model, anomaly.stream, expires_at, body]
