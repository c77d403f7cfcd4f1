"""The benchmarks of a stream at small sizes: rows with the ids that the reports name, and numbers that can be."""

import pytest

from snnlab.bench import serving_anomalies, serving_checkpoint, serving_live, serving_pulsar, serving_workers
from snnlab.bench.servers import Pair
from snnlab.errors import ConfigError
from snnlab.stores import AnomalyFilter
from snnlab.stores.sqlite import SqliteStore
from snnlab.streams.sqlite import SqliteBus


def by_id(rows):
    return {row.figure.id: row.figure for row in rows}


def test_a_part_that_there_is_not_is_refused():
    with pytest.raises(ConfigError, match="no part fast"):
        serving_live.run(["fast"])


def test_pauses_beside_checkpoints():
    found = by_id(serving_checkpoint.run(cycles=60, every_s=0.01))  # 600,000 events: a second or two
    assert set(found) == {f"serving.checkpoint.pause{part}" for part in ("", ".processor", ".p99", ".written")}
    assert found["serving.checkpoint.pause"].bar == 50
    assert all(figure.value > 0 for figure in found.values())
    with pytest.raises(RuntimeError, match="no checkpoint was due in 1 cycles"):
        serving_checkpoint.run(cycles=1, every_s=1e6)


def test_anomalies_are_written_and_asked_for(tmp_path):
    with SqliteStore(tmp_path / "store.db") as store, SqliteBus(tmp_path / "bus.db") as bus:
        found = by_id(serving_anomalies.run(store, bus, "serving.anomalies.sqlite", count=3_000, rounds=1))
        assert found["serving.anomalies.sqlite"].bar == 50
        assert found["serving.anomalies.sqlite"].value >= found["serving.anomalies.sqlite.p50"].value > 0
        assert len(store.anomalies(AnomalyFilter(since=0), limit=10_000).items) == 3_000


@pytest.fixture
def pair(pulsar_url, ignite_url):
    return Pair(pulsar_url, ignite_url)


def test_pulsar_through_a_worker(pair):
    found = by_id(serving_pulsar.run(pair, events=6_000, avro_events=1_000, fed_s=0.4, settle_s=0.1))
    assert {"serving.pulsar.arrow", "serving.pulsar.avro", "serving.pulsar.latency.p99"} <= set(found)
    added = {name: figure.value for name, figure in found.items() if ".added." in name}
    assert all(figure.value > 0 for name, figure in found.items() if name not in added)
    for name, value in added.items():  # of two runs as short as these either may be the quicker one
        whole = found[name.replace(".added", "")]
        assert value == pytest.approx(whole.value - whole.peer_value)


@pytest.mark.slow  # three processes load what is compiled
def test_two_workers_tell_what_one_does(pair):
    found = by_id(serving_workers.run(pair, events=6_000, workers=2))
    assert found["serving.workers.2.same"].value > 0
    assert found["serving.workers.2"].value > 0
