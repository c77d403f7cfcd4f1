"""One SQLite file: what a transaction leaves behind, synced or not."""

import pytest

from snnlab.database import Database
from snnlab.streams.log import LAYOUT

FULL = 2


@pytest.fixture
def database(tmp_path):
    opened = Database(tmp_path / "bus.db", LAYOUT)
    yield opened
    opened.close()


def mode(database):
    with database.read() as connection:
        return connection.execute("PRAGMA synchronous").fetchone()[0]


def names(database):
    with database.read() as connection:
        return [name for (name,) in connection.execute("SELECT name FROM streams ORDER BY name")]


def write(database, name, **options):
    with database.write(**options) as connection:
        connection.execute("INSERT INTO streams VALUES (?, 1, 0)", (name,))
        return connection.execute("PRAGMA synchronous").fetchone()[0]


def test_a_write_that_is_not_synced_is_there_for_others_and_the_next_one_is_synced(database):
    assert write(database, "a", synced=False) < FULL
    other = Database(database.path, LAYOUT)
    assert names(other) == ["a"]
    other.close()
    assert mode(database) == FULL
    assert write(database, "b") == FULL


@pytest.mark.parametrize("synced", [True, False])
def test_a_write_that_fails_leaves_nothing(database, synced):
    def fail():
        with database.write(synced=synced) as connection:
            connection.execute("INSERT INTO streams VALUES ('a', 1, 0)")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert names(database) == []
    assert mode(database) == FULL
