import multiprocessing
import sqlite3
import threading
import time
from functools import partial

import numpy as np
import pytest

from snnlab.errors import BusCorrupt, BusError, ConfigError
from snnlab.events import EventBatch
from snnlab.events.anomaly import Anomaly
from snnlab.events.arrow import encode_anomalies
from snnlab.streams.log import append
from snnlab.streams.salvage import Salvaged, salvage
from snnlab.streams.sqlite import SqliteBus


def events(tag, n, entity="all"):
    return EventBatch.from_columns(
        np.ones((n, 1)), ["cpu"], event_ids=[f"{tag}-{i}" for i in range(n)], entities=entity
    )


def publish_many(path, tag):
    with SqliteBus(path) as bus:
        bus.create("web", shards=2)
        for call in range(20):
            bus.publish("web", events(f"{tag}-{call}", 5))


def read_all(bus, stream="web", shards=2):
    return [
        event_id
        for shard in range(shards)
        for _, batch in bus.consume(stream, shard, limit=10_000)
        for event_id in batch.event_ids
    ]


def test_positions_count_the_events_of_a_shard(tmp_path):
    with SqliteBus(tmp_path / "bus.db") as bus:
        bus.create("web", shards=1)
        assert bus.publish("web", events("a", 3)).positions == {0: 2}
        assert bus.publish("web", events("b", 9000)).positions == {0: 9002}
        assert [(at, len(batch)) for at, batch in bus.consume("web", 0, 1, 5000)] == [(2, 1), (4098, 4096), (5001, 903)]


def test_processes_publish_at_once_to_a_new_file(tmp_path):
    path = tmp_path / "bus.db"
    spawn = multiprocessing.get_context("fork")
    workers = [spawn.Process(target=publish_many, args=(path, tag)) for tag in "abcd"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    with SqliteBus(path) as bus:
        ids = read_all(bus)
        assert len(ids) == len(set(ids)) == 400
        for tag in "abcd":
            mine = [event_id for event_id in ids if event_id.startswith(tag)]
            assert mine == [f"{tag}-{call}-{i}" for call in range(20) for i in range(5)]


def test_threads_share_a_bus_and_a_forked_child_opens_its_own(tmp_path):
    with SqliteBus(tmp_path / "bus.db") as bus:
        bus.create("web", shards=2)
        threads = [threading.Thread(target=bus.publish, args=("web", events(tag, 5, tag))) for tag in "abcdefgh"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        child = multiprocessing.get_context("fork").Process(target=bus.publish, args=("web", events("z", 5)))
        child.start()
        child.join()
        assert child.exitcode == 0
        assert len(set(read_all(bus))) == 45


def test_what_was_published_outlives_a_process_that_is_killed(tmp_path):
    def publish_and_die(path):
        bus = SqliteBus(path)
        bus.create("web", shards=2)
        bus.publish("web", events("a", 5))
        multiprocessing.current_process().kill()

    child = multiprocessing.get_context("fork").Process(target=partial(publish_and_die, tmp_path / "bus.db"))
    child.start()
    child.join()
    with SqliteBus(tmp_path / "bus.db") as bus:
        assert len(read_all(bus)) == 5


def test_a_file_that_is_no_database_is_named_with_the_way_out(tmp_path):
    path = tmp_path / "bus.db"
    path.write_bytes(b"not a database at all, but long enough to have a header" * 50)
    with pytest.raises(BusCorrupt, match=r"bus\.db is damaged.*move it aside") as told:
        SqliteBus(path)
    assert str(path) in str(told.value)


def test_a_damaged_row_is_found_and_the_others_are_saved(tmp_path):
    path = tmp_path / "bus.db"
    with SqliteBus(path) as bus:
        bus.create("web", shards=1)
        for tag in "abc":
            bus.publish("web", events(tag, 5))
        bus.commit("detector", "web", 0, 4)
    content = bytearray(path.read_bytes())
    at = content.index(b"b-0b-1b-2")
    content[at : at + 3] = b"XXX"
    path.write_bytes(content)
    with SqliteBus(path) as bus:
        with pytest.raises(BusCorrupt, match=r"position 9 does not match its checksum.*salvage"):
            bus.consume("web", 0)
        assert bus.consume("web", 0, after=9)[0][1] == events("c", 5)
    assert salvage(path, tmp_path / "new.db") == Salvaged(saved=2, lost=1)
    with SqliteBus(tmp_path / "new.db") as bus:
        assert [at for at, _ in bus.consume("web", 0)] == [4, 14]
        assert bus.committed("detector", "web", 0) == 4
        assert bus.publish("web", events("d", 1)).positions == {0: 15}


def test_a_torn_file_is_refused_and_salvage_says_what_it_can_do(tmp_path):
    path = tmp_path / "bus.db"
    with SqliteBus(path) as bus:
        bus.create("web", shards=1)
        for call in range(40):
            bus.publish("web", events(f"{call}", 50))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(BusCorrupt, match=r"bus\.db"), SqliteBus(path) as bus:
        read_all(bus, shards=1)
    with pytest.raises(BusError, match="exists"):
        salvage(path, path)


def test_a_file_of_another_purpose_or_a_newer_format_is_refused(tmp_path):
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE t (x)")
    other.commit()
    other.close()
    with pytest.raises(ConfigError, match="another purpose, not a bus file"):
        SqliteBus(tmp_path / "other.db")
    SqliteBus(tmp_path / "bus.db").close()
    newer = sqlite3.connect(tmp_path / "bus.db")
    newer.execute("PRAGMA user_version=99")
    newer.close()
    with pytest.raises(ConfigError, match="format 99"):
        SqliteBus(tmp_path / "bus.db")


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BusError, match="folder"):
        SqliteBus(tmp_path / "file" / "bus.db")
    with pytest.raises(BusError, match="unable to open"):
        SqliteBus(tmp_path)


def test_anomalies_of_a_file_of_the_first_format_are_read(tmp_path):
    told = [Anomaly(f"{k}", k, "latency_spike", 0.125 * k, (0.5, 0.25), (f"e{k}",), entity="ü") for k in range(5)]
    with SqliteBus(tmp_path / "bus.db") as bus:
        bus.create("web", shards=1)
        with bus._database.write() as connection:
            append(connection, "web/anomalies", 0, 2, encode_anomalies(told[:2]), 7)
            connection.execute("PRAGMA user_version=1")
    with SqliteBus(tmp_path / "bus.db") as bus:
        assert bus.publish_anomalies("web", told[2:]) == 4
        assert [one for _, one in bus.consume_anomalies("web")] == told
        assert [position for position, _ in bus.consume_anomalies("web", 0)] == [1, 2, 3, 4]


def other_threads():
    return [thread.name for thread in threading.enumerate() if thread.name == "snnlab-listeners"]


def test_who_listens_hears_of_what_another_opening_publishes(tmp_path):
    told = Anomaly("a", 1, "latency_spike", 0.9, stream="web")
    with SqliteBus(tmp_path / "bus.db") as here, SqliteBus(tmp_path / "bus.db") as there:
        here.create("web", 1)
        here.create("hosts", 1)
        heard, elsewhere, come = [], [], threading.Event()
        leave = [
            here.listen("web", lambda one: (heard.append(one), come.set())),
            here.listen("hosts", elsewhere.append),
        ]
        there.publish("web", EventBatch.from_columns(np.ones((3, 1)), ["cpu"]))  # of events nobody need be told
        time.sleep(0.2)
        assert heard == []
        there.publish_anomalies("web", [told])
        assert come.wait(10.0)
        assert heard == [None]
        assert [one for _, one in here.consume_anomalies("web")] == [told]
        assert elsewhere == []
        assert other_threads()
        for one in leave:
            one()
        there.publish_anomalies("web", [told])
        time.sleep(0.2)
        assert heard == [None]
        assert not other_threads()


def test_a_bus_that_is_closed_watches_no_more_and_can_be_listened_to_again(tmp_path):
    bus = SqliteBus(tmp_path / "bus.db")
    bus.create("web", 1)
    bus.listen("web", lambda _: None)
    assert other_threads()
    bus.close()
    assert not other_threads()
    leave = bus.listen("web", lambda _: None)
    assert other_threads()
    leave()
    bus.close()
