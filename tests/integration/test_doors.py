"""The doors over the live pair: labels find the worker of their shard, and every replica tells the same anomalies."""

import time

from fastapi.testclient import TestClient

from snnlab import stores, streams
from snnlab.detectors import Detector
from snnlab.serving.application import Application
from snnlab.serving.assignment import Pace
from snnlab.serving.feedback import topic_of
from snnlab.serving.history import read
from snnlab.serving.rest import create_app
from snnlab.serving.untrained import Untrained

PACE = Pace(checkpoint_s=0.0, poll_s=0.02, hold_s=5.0)


def wait(done, seconds=60):
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_replicas_tell_the_same_and_a_label_given_to_one_is_learnt_by_the_other(live, bus_url, empty_ignite, events):
    bus, store = live
    working = Application(bus, store, pace=PACE)
    working.start()
    model = working.create_model(Untrained("business", name="web", features=("cpu", "latency"), seed=1)).model_id
    working.score(model, events(1200))
    worker = working.deploy(model, "hosts", shards=4)
    with streams.connect(bus_url) as other_bus, stores.connect(empty_ignite) as other_store:
        asked = Application(other_bus, other_store, pace=PACE)
        asked._models.load([])  # it answers, and takes up no deployment
        here, there = TestClient(create_app(working)), TestClient(create_app(asked))
        path = "/ws/anomalies/hosts?after=-1"
        with here.websocket_connect(path) as one, there.websocket_connect(path) as two:
            bus.publish("hosts", events(300, begun=1200))
            told = one.receive_json()
            assert two.receive_json() == told
        wait(lambda: worker.positions() == bus.positions("hosts"))
        keys = {shard: worker.assignment.key(shard) for shard in bus.positions("hosts")}
        before = {shard: read(store, key).detector().save() for shard, key in keys.items()}
        given = there.post(f"/api/v1/anomalies/{told['anomaly_id']}/feedback", json={"label": "normal"})
        assert (given.status_code, given.json()["status"]) == (202, "queued")
        ((shard, at),) = bus.positions(topic_of("hosts")).items()
        wait(lambda: bus.committed(model, topic_of("hosts"), shard) == at)
        expected = Detector.load(before[shard])
        assert expected.feedback(told["contributing_events"][0], label=False)
        after = {shard: read(store, key).detector().save() for shard, key in keys.items()}
        assert after[shard] == expected.save()
        assert after[shard] != before[shard]
        assert asked.neurons(model, told["entity"], "hosts").events_seen == Detector.load(after[shard]).n_events
        asked.close()
    working.close()
