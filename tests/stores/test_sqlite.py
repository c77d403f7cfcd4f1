import multiprocessing
import sqlite3

import pytest

from snnlab.errors import ConfigError, ModelFormatError, StoreError
from snnlab.stores import AnomalyFilter, ShardKey, connect
from snnlab.stores.sqlite import SqliteStore
from snnlab.streams.sqlite import SqliteBus


def take_and_count(path, owner, queue):
    with SqliteStore(path) as store:
        queue.put(sum(store.acquire(ShardKey("m", "s", shard), owner, hold_s=60) is not None for shard in range(20)))


def test_processes_that_ask_at_once_share_the_shards_without_overlap(tmp_path):
    fork = multiprocessing.get_context("fork")
    queue = fork.Queue()
    workers = [fork.Process(target=take_and_count, args=(tmp_path / "store.db", owner, queue)) for owner in "abc"]
    for worker in workers:
        worker.start()
    taken = [queue.get(timeout=30) for _ in workers]
    for worker in workers:
        worker.join()
    assert sum(taken) == 20


def test_a_model_that_changed_in_the_file_is_refused(tmp_path):
    with SqliteStore(tmp_path / "store.db") as store:
        store.put_model("web", b"one")
        with store._database.write() as connection:
            connection.execute("UPDATE models SET body = x'00'")
        with pytest.raises(ModelFormatError, match="digest"):
            store.get_model("web")


def test_a_damaged_file_is_named_with_the_way_out(tmp_path):
    (tmp_path / "store.db").write_bytes(b"no database" * 500)
    with pytest.raises(StoreError, match=r"store\.db is damaged.*move it aside"):
        SqliteStore(tmp_path / "store.db")


def test_the_store_and_the_bus_do_not_share_a_file(tmp_path):
    SqliteBus(tmp_path / "bus.db").close()
    with pytest.raises(ConfigError, match="another purpose, not a store file"):
        SqliteStore(tmp_path / "bus.db")


def test_a_url_opens_the_file_it_names(tmp_path):
    with connect(f"sqlite:///{tmp_path / 'deep' / 'store.db'}") as store:
        assert store.anomalies(AnomalyFilter()).items == ()
    header = sqlite3.connect(tmp_path / "deep" / "store.db")
    assert header.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    header.close()


@pytest.mark.parametrize("url", ["redis://x", "store.db", "sqlite:///"])
def test_a_url_without_a_store_names_those_there_are(url):
    with pytest.raises(ConfigError, match="sqlite:///PATH"):
        connect(url)
