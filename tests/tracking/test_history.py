import math
import sqlite3

import pytest

from snnlab.errors import StoreError
from snnlab.tracking import Decision, History


def decision(i, name="web"):
    about = {"data": "nab", "data_digest": "ab", "events": 10, "at": i}
    return Decision(name, "mean_ap", str(i), None, 0.5, None, promoted=True, reason="first", **about)


@pytest.fixture
def history(tmp_path):
    made = History(tmp_path / "history.db")
    for i in range(3):
        assert made.append(decision(i)) == i + 1
    yield made
    made.close()


def test_decisions_come_back_in_order(history):
    history.append(decision(9, "shop"))
    assert history.entries() == [decision(0), decision(1), decision(2), decision(9, "shop")]
    assert history.entries("shop") == [decision(9, "shop")]
    assert math.isnan(history.entries()[0].gain)
    assert history.verify() == 4


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE decisions SET body = '{}' WHERE id = 2",
        "DELETE FROM decisions WHERE id = 2",
        "DELETE FROM decisions",
        "INSERT OR REPLACE INTO decisions SELECT id, name, at, '{}', link FROM decisions WHERE id = 2",
    ],
)
def test_it_only_grows(history, tmp_path, statement):
    other = sqlite3.connect(tmp_path / "history.db")
    with pytest.raises(sqlite3.IntegrityError, match="only grows"):
        other.execute(statement)
    other.rollback()
    other.close()
    assert history.verify() == 3


@pytest.mark.parametrize(
    "statement", ["UPDATE decisions SET at = at, body = '{}' WHERE id = 2", "DELETE FROM decisions WHERE id = 2"]
)
def test_a_change_behind_the_triggers_back_is_found(history, tmp_path, statement):
    other = sqlite3.connect(tmp_path / "history.db")
    other.execute("DROP TRIGGER no_update")
    other.execute("DROP TRIGGER no_delete")
    other.execute(statement)
    other.commit()
    other.close()
    with pytest.raises(StoreError, match="decision 2 is not what was written"):
        history.verify()
