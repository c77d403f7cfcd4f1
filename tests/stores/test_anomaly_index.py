"""Which index a filter is answered by, and that pages read nothing else before they know their rows."""

import sqlite3

import pytest

from snnlab.events import Anomaly
from snnlab.stores import AnomalyFilter, anomaly_index
from snnlab.stores.sqlite import SqliteStore


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A file with 60 anomalies: one of three entities, of two types; one stream is rare, and so are the severe."""
    monkeypatch.setattr(anomaly_index, "_FEW", 25)
    with SqliteStore(tmp_path / "store.db") as store:
        store.put_anomalies(
            [
                Anomaly(
                    f"{at:032x}", at, ("slow", "full")[at % 2], at / 60, entity=f"host-{at % 3}",
                    model="web", stream="rare" if at == 7 else "hosts",
                )
                for at in range(60)
            ]
        )  # fmt: skip
    return tmp_path / "store.db"


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        ({}, "time"),
        ({"since": 55}, "time"),
        ({"entity": "host-1", "anomaly_type": "slow"}, "entity"),
        ({"anomaly_type": "slow"}, "type"),
        ({"anomaly_type": "slow", "since": 50}, "type"),
        ({"model": "web", "stream": "rare", "anomaly_type": "slow"}, "model_stream"),
        ({"stream": "rare", "anomaly_type": "slow"}, "stream"),
        ({"stream": "hosts", "anomaly_type": "slow", "since": 50, "until": 56}, "type"),
        ({"stream": "hosts", "since": 50}, "stream"),
        ({"severity_min": 0.9}, "severity"),
        ({"severity_min": 0.1}, "time"),
        ({"severity_min": 0.1, "since": 58}, "time"),
        ({"severity_min": 0.9, "model": "web"}, "severity"),
        ({"severity_min": 0.1, "model": "web"}, "model"),
    ],
)
def test_the_index_that_reads_few_is_chosen(path, wanted, index):
    told = []
    with SqliteStore(path) as store, store._database.read() as connection:
        asked = {name: value for name, value in AnomalyFilter(**wanted).model_dump().items() if value is not None}
        assert anomaly_index.chosen(connection, asked) == f"anomalies_of_{index}"
        connection.set_trace_callback(told.append)
        store.anomalies(AnomalyFilter(**wanted))
        connection.set_trace_callback(None)
        plan = [step[3] for step in connection.execute(f"EXPLAIN QUERY PLAN {told[-1]}")]
    assert any(f"COVERING INDEX anomalies_of_{index}" in step for step in plan)


def test_a_file_of_the_format_before_gets_the_indexes_and_tables_of_this_one(path):
    old = sqlite3.connect(path)
    for (name,) in old.execute("SELECT name FROM sqlite_schema WHERE name GLOB 'anomalies_of_*'").fetchall():
        old.execute(f"DROP INDEX {name}")
    old.execute("DROP TABLE pieces")
    old.execute("DROP TABLE checkpoint_pieces")
    old.execute("CREATE INDEX anomalies_by_time ON anomalies (detected_at, anomaly_id)")
    old.execute("PRAGMA user_version = 1")
    old.close()
    with SqliteStore(path) as store:
        assert len(store.anomalies(AnomalyFilter(entity="host-1")).items) == 20
        with store._database.read() as connection:
            there = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
    assert {"pieces", "checkpoint_pieces", "anomalies_of_severity"} <= there
    assert "anomalies_by_time" not in there
