"""Two replicas in one process over one store, without a network between them; tests/integration has three with one."""

import time

import numpy as np
import pytest
from fastapi.testclient import TestClient

from snnlab import streams
from snnlab.detectors import Detector
from snnlab.errors import ConfigError, NothingThere, OwnedElsewhere
from snnlab.serving.application import Application
from snnlab.serving.assignment import Pace
from snnlab.serving.bento import Bundled, Entry
from snnlab.serving.feedback import topic_of
from snnlab.serving.peers import FORWARDED, Peers
from snnlab.serving.replica import Replica
from snnlab.serving.rest import create_app
from snnlab.serving.untrained import Untrained
from snnlab.stores import Pattern
from snnlab.stores import connect as connect_store

COLUMNS = ["cpu", "latency"]


@pytest.fixture
def begin(tmp_path):
    """Starts replicas, each with openings of the bus and the store of its own."""
    begun = []

    def made(name, bundled=(), http="", hold_s=10.0):
        bus = streams.connect(f"sqlite:///{tmp_path / 'bus.db'}")
        store = connect_store(f"sqlite:///{tmp_path / 'store.db'}")
        pace = Pace(checkpoint_s=0.05, poll_s=0.01, hold_s=hold_s)
        replica = Application(bus, store, pace=pace, peers=Peers(Replica(name, http)))
        begun.append(replica)
        replica.start(bundled)
        return replica

    yield made
    for one in begun:
        one.close()
        one.bus.close()
        one.store.close()


def wait(holds, seconds=30):
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)


def made(replica):
    return replica.create_model(Untrained("performance", features=tuple(COLUMNS), seed=1)).model_id


def test_a_model_is_known_to_all_and_scored_by_one(begin, calm):
    here, there = begin("here"), begin("there")
    model_id = made(here)
    here.score(model_id, calm(50))
    wait(lambda: there.card(model_id).events_seen == 50)  # its owner has no address, so that the last kept is told
    assert there.models() == here.models()
    assert begin("late").models() == here.models()
    with pytest.raises(OwnedElsewhere):
        there.score(model_id, calm(1, begun=50))
    with pytest.raises(OwnedElsewhere):
        there.train(model_id, batch=calm(1))
    with pytest.raises(OwnedElsewhere):
        there.neurons(model_id, "host-1")
    here.close()
    wait(lambda: _scores(there, model_id, calm(1, begun=50)))
    assert there.card(model_id).events_seen == 51
    assert there.card(model_id).version == 2


def _scores(replica, model_id, batch):
    try:
        return replica.score(model_id, batch)
    except OwnedElsewhere:
        return None


def test_a_replica_that_falls_silent_loses_its_models_to_the_last_checkpoint(begin, calm):
    here, there = begin("here", hold_s=2.0), begin("there", hold_s=2.0)
    model_id = made(here)
    here.score(model_id, calm(300))
    key = here.model(model_id).lease.key
    wait(lambda: (saved := there.store.load(key)) is not None and saved.position == 300)
    expected = Detector.load(there.store.load(key).head)
    here._periodic[0].stop()  # no renewal: as a process that is paused, or cut off from the store
    wait(lambda: _scores(there, model_id, calm(20, begun=300)), 10)
    assert there.card(model_id).events_seen == 320
    expected.process(calm(20, begun=300))
    assert there.model(model_id).scorer.save() == expected.save()
    with pytest.raises(OwnedElsewhere):
        here.score(model_id, calm(20, begun=300))
    wait(lambda: there.store.load(key).epoch == 2)
    assert there.store.load(key).position == 320


def test_what_was_begun_under_a_lost_lease_is_refused(begin, calm):
    here, there = begin("here"), begin("there")
    model_id = made(here)
    for periodic in here._periodic:
        periodic.stop()  # what would notice the loss before it writes
    model = here.model(model_id)
    model.scorer.score(calm(10))
    there.store.acquire(model.lease.key, there.replica.owner, hold_s=0)  # refused: it is held
    here.store.release(model.lease)
    there.store.acquire(model.lease.key, there.replica.owner, hold_s=10)
    with pytest.raises(OwnedElsewhere, match="lost"):
        here._models.keep(model_id)
    assert here.at_hand(model_id) is None
    assert there.store.get_model(model_id).version == 1


def test_a_model_of_the_bento_is_taken_in_once_and_goes_on_as_it_grew(begin, calm):
    body = Detector.build("performance", names=COLUMNS, entities=True, seed=1).save()

    def bundle(content, digest):
        return Bundled(Entry(name="web", version="1", domain="performance", digest=f"sha256:{digest * 64}"), content)

    here, there = begin("here", [bundle(body, "a")]), begin("there", [bundle(body, "a")])
    here.score("web", calm(30))
    here.close()
    wait(lambda: _scores(there, "web", calm(1, begun=30)))
    assert there.card("web").events_seen == 31
    assert there.store.get_model("web").version == 2
    there.close()
    newer = begin("newer", [bundle(body, "b")])
    assert newer.card("web").events_seen == 0
    newer.score("web", calm(5))
    again = begin("again", [bundle(body, "b")])
    newer.close()
    wait(lambda: _scores(again, "web", calm(1, begun=5)))
    assert again.card("web").events_seen == 6


def test_a_deployment_is_worked_on_by_all_and_stopped_for_all(begin, bus, calm):
    here, there = begin("here"), begin("there")
    model_id = made(here)
    here.deploy(model_id, "hosts", shards=2)
    assert there.deployed().items == here.deployed().items
    wait(lambda: [one.running for one in there.deployments(model_id)] == [True])
    bus.publish("hosts", calm(40))
    wait(lambda: there.deployment(model_id, "hosts").events == 40)
    assert there.deployment(model_id, "hosts").positions == bus.positions("hosts")
    here.score(model_id, calm(10))
    assert here.deploy(model_id, "hosts", shards=2).assignment.version == 2
    # the other replica's worker scores with version 1 until it has followed
    wait(lambda: [one.assignment.version for one in there.deployments(model_id)] == [2])
    bus.publish("hosts", calm(20, begun=40))
    wait(lambda: there.deployment(model_id, "hosts").events == 20)
    assert there.deployment(model_id, "hosts").version == 2
    there.stop(model_id, "hosts")
    wait(lambda: here.deployment(model_id, "hosts").status == "stopped")
    wait(lambda: here.deployments(model_id) == there.deployments(model_id) == [])
    assert here.deployed().items == ()
    (stopped,) = here.deployed(stopped=True).items
    assert (stopped.events, stopped.status) == (20, "stopped")
    bus.publish("hosts", calm(10, begun=60))
    time.sleep(0.3)
    assert here.deployment(model_id, "hosts").events == 20
    here.deploy(model_id, "hosts", shards=2)
    wait(lambda: there.deployment(model_id, "hosts").events == 30)
    with pytest.raises(NothingThere, match="'nowhere'"):
        there.stop(model_id, "nowhere")


def test_deployments_are_paged_by_model_and_stream(begin):
    here = begin("here")
    model_id = made(here)
    for stream in ("c", "a", "b"):
        here.deploy(model_id, stream, shards=1)
    first = here.deployed(limit=2)
    assert [one.stream for one in first.items] == ["a", "b"]
    rest = here.deployed(limit=2, cursor=first.cursor)
    assert ([one.stream for one in rest.items], rest.cursor) == (["c"], None)
    assert here.deployed(model_id="other").items == ()
    with pytest.raises(ConfigError, match="of no page"):
        here.deployed(cursor="~")


def test_what_a_worker_fails_with_is_told_by_all(begin):
    here, there = begin("here"), begin("there")
    model_id = made(here)
    worker = here.deploy(model_id, "hosts", shards=1)
    worker._bus = None
    wait(lambda: there.deployment(model_id, "hosts").status == "failed")
    assert there.deployment(model_id, "hosts").detail.startswith("replica here: ")
    worker._bus = here.bus


def test_patterns_count_everywhere_within_a_second(begin, calm, with_burst):
    here, there = begin("here"), begin("there")
    model_id = made(here)
    here.score(model_id, calm(1500))
    seen = here.score(model_id, with_burst(calm(100, begun=1500), 50)).anomalies[0]
    body = np.asarray(seen.spike_pattern, dtype="<f8").tobytes()
    told = {"similarity": 0.01, "recommended_actions": []}
    there.register(Pattern("p1", "deploy", "bad_deploy", 1, model_id, told, body))
    assert here.patterns(model_id) == there.patterns()
    time.sleep(1.1)
    found = here.score(model_id, with_burst(calm(400, begun=1600), 350)).anomalies
    assert "bad_deploy" in {one.anomaly_type for one in found}
    assert there.forget("p1")
    assert not here.forget("p1")


def test_anomalies_of_posted_events_are_told_on_a_stream(begin, calm, with_burst):
    here, there = begin("here"), begin("there")
    model_id = made(here)
    here.score(model_id, calm(1500))
    found = here.score(model_id, with_burst(calm(100, begun=1500), 50), stream="posted").anomalies
    assert found
    assert [one for _, one in there.bus.consume_anomalies("posted")] == found
    assert {one.stream for one in found} == {"posted"}
    assert there.bus.positions("posted") == {}  # the events stay the caller's
    assert here.feedback(found[0].anomaly_id, "normal") == "applied"
    assert topic_of("posted") not in {one.name for one in there.bus.streams()}
    with pytest.raises(ConfigError, match="another stream"):
        here.deploy(model_id, "posted")
    here.deploy(model_id, "hosts", shards=1)
    with pytest.raises(ConfigError, match="is deployed to stream 'hosts'"):
        here.score(model_id, calm(1, begun=1600), stream="hosts")
    with pytest.raises(ConfigError, match="stream name"):
        here.score(model_id, calm(1, begun=1600), stream="../x")


def test_a_call_is_sent_on_once_and_told_when_to_come_again(begin, calm, as_json):
    here, there = begin("here", http="http://127.0.0.1:9"), begin("there")
    model_id = made(here)
    path, body = f"/api/v1/models/{model_id}/score", {"events": as_json(calm(1))}
    with TestClient(create_app(there)) as client:
        for headers in ({}, {FORWARDED: "here"}):  # nobody listens there; and it came from a replica already
            told = client.post(path, json=body, headers=headers)
            assert (told.status_code, told.headers["retry-after"]) == (503, "1")
            assert told.json()["type"] == "urn:snnlab:problem:owned-elsewhere"
            assert "replica here" in told.json()["detail"]
        assert client.get(f"/api/v1/models/{model_id}").json()["model_id"] == model_id
        assert client.get("/internal/models").json() == []
        assert client.get(f"/internal/models/{model_id}").status_code == 404
        assert client.get("/api/v1/metrics").json()["replicas"][0]["replica"] == "there"
