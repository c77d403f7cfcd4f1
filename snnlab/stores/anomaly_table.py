"""Anomalies in the embedded store: written, found by filters, and paged by a cursor."""

import base64
import binascii
import json
import sqlite3
from collections.abc import Sequence

from snnlab.errors import ConfigError
from snnlab.events.anomaly import Anomaly
from snnlab.stores.anomaly_index import CONDITIONS, chosen
from snnlab.stores.base import AnomalyFilter, AnomalyPage

__all__ = ["cursor_of", "find", "page", "place_of", "write"]

_ALIVE = "(expires_at IS NULL OR expires_at > ?)"


def write(connection: sqlite3.Connection, anomalies: Sequence[Anomaly], expires_at: int | None) -> None:
    """Write anomalies; one whose id is there is written over."""
    connection.executemany(
        "INSERT OR REPLACE INTO anomalies VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (a.anomaly_id, a.detected_at, a.anomaly_type, a.severity, a.entity, a.model, a.stream, expires_at, _text(a))
            for a in anomalies
        ],
    )


def find(connection: sqlite3.Connection, anomaly_id: str, now_us: int) -> Anomaly | None:
    """The anomaly of an id that has not expired."""
    query = f"SELECT body FROM anomalies WHERE anomaly_id = ? AND {_ALIVE}"  # noqa: S608 - own condition
    found = connection.execute(query, (anomaly_id, now_us)).fetchone()
    return None if found is None else Anomaly.from_json(json.loads(found[0]))


def page(
    connection: sqlite3.Connection, wanted: AnomalyFilter, limit: int, cursor: str | None, now_us: int
) -> AnomalyPage:
    """One page, newest first: the id decides between anomalies of the same time."""
    asked = {name: value for name, value in wanted.model_dump().items() if value is not None}
    conditions = [*(CONDITIONS[name] for name in asked), _ALIVE]
    values: list[object] = [*asked.values(), now_us]
    if cursor is not None:
        conditions.append("(detected_at, anomaly_id) < (?, ?)")
        values.extend(place_of(cursor))
    where, newest = " AND ".join(conditions), "ORDER BY detected_at DESC, anomaly_id DESC"
    index = chosen(connection, asked)
    rows = f"SELECT rowid AS place FROM anomalies INDEXED BY {index} WHERE {where} {newest} LIMIT ?"  # noqa: S608
    query = f"SELECT body FROM ({rows}) CROSS JOIN anomalies ON anomalies.rowid = place {newest}"  # noqa: S608
    found = connection.execute(query, (*values, limit + 1)).fetchall()
    items = tuple(Anomaly.from_json(json.loads(body)) for (body,) in found[:limit])
    return AnomalyPage(items, cursor_of(items[-1]) if len(found) > limit else None)


def cursor_of(anomaly: Anomaly) -> str:
    """The cursor of the page that begins after an anomaly.

    >>> place_of(cursor_of(Anomaly("1f", 7, "latency_spike", 0.5)))
    (7, '1f')
    """
    return base64.urlsafe_b64encode(json.dumps([anomaly.detected_at, anomaly.anomaly_id]).encode()).decode()


def place_of(cursor: str) -> tuple[int, str]:
    """The time and id that a cursor stands for. Raises ConfigError for one that no page gave."""
    try:
        detected_at, anomaly_id = json.loads(base64.b64decode(cursor, altchars=b"-_", validate=True))
        return int(detected_at), str(anomaly_id)
    except (binascii.Error, TypeError, ValueError) as wrong:
        raise ConfigError(
            f"cursor {cursor!r} is of no page; pass on the one that the last page gave, or none"
        ) from wrong


def _text(anomaly: Anomaly) -> str:
    return json.dumps(anomaly.to_json(), separators=(",", ":"))
