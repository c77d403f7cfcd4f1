import time
from dataclasses import replace

import pytest

from snnlab.detectors import Detector
from snnlab.domains import DOMAINS, domain
from snnlab.events.anomaly import Anomaly
from snnlab.serving.application import Application
from snnlab.serving.assignment import Pace
from snnlab.serving.feedback import labels_of, topic_of
from snnlab.serving.history import read
from snnlab.serving.untrained import Untrained

BASE = "/api/v1"


@pytest.fixture
def model(client, monkeypatch):
    """Of a domain whose detectors learn from labels, and soon forget what they were of."""
    monkeypatch.setitem(DOMAINS, "business", domain("business").model_copy(update={"recall": 4096}))
    body = {"domain": "business", "name": "web", "features": ["cpu", "latency"], "seed": 1}
    return client.post(f"{BASE}/models", json=body).json()["model_id"]


@pytest.fixture
def told(client, model, calm, with_burst, as_json):
    client.post(f"{BASE}/models/{model}/score", json={"events": as_json(calm(1500))})
    client.post(f"{BASE}/models/{model}/score", json={"events": as_json(with_burst(calm(60, begun=1500), 40))})
    return client.get(f"{BASE}/anomalies").json()["anomalies"][0]


def give(client, anomaly_id, label):
    return client.post(f"{BASE}/anomalies/{anomaly_id}/feedback", json={"label": label})


def test_a_posted_anomaly_is_taught_at_once_and_kept(client, application, store, model, told):
    before = application.model(model).scorer.save()
    given = give(client, told["anomaly_id"], "normal")
    assert given.status_code == 202
    assert given.json() == {"anomaly_id": told["anomaly_id"], "label": "normal", "status": "applied"}
    taught = application.model(model).scorer.save()
    expected = Detector.load(before)
    assert expected.feedback(told["contributing_events"][0], label=False)
    assert taught != before
    assert taught == expected.save()
    assert client.get(f"{BASE}/metrics").json()["models"][0]["accuracy"] == 0.0
    application._models.keep(model)
    assert store.get_model(model).body == taught


def test_a_type_is_a_label_and_agrees_with_the_verdict(client, model, told):
    assert give(client, told["anomaly_id"], told["anomaly_type"]).status_code == 202
    assert client.get(f"{BASE}/metrics").json()["models"][0]["accuracy"] == 1.0


def test_labels_that_cannot_be_used(client, model, told, calm, as_json):
    unknown = give(client, told["anomaly_id"], "weather")
    assert unknown.status_code == 422
    assert all(word in unknown.json()["detail"] for word in ("'weather'", "'normal'", told["anomaly_type"]))
    missing = give(client, "none", "normal")
    assert missing.status_code == 404
    assert "'none'" in missing.json()["detail"]
    assert client.post(f"{BASE}/anomalies/none/feedback", json={"lable": "normal"}).status_code == 422
    for begun in range(1600, 6400, 1600):
        client.post(f"{BASE}/models/{model}/score", json={"events": as_json(calm(1600, begun=begun))})
    forgotten = give(client, told["anomaly_id"], "normal")
    assert forgotten.status_code == 409
    assert forgotten.headers["content-type"] == "application/problem+json"
    assert "no longer remembers" in forgotten.json()["detail"]


def whole(store, key):
    """The detector of a shard's last checkpoint, as a model file."""
    return read(store, key).detector().save()


def wait(done, seconds=30):
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.fixture
def streamed(bus, store, calm, with_burst):
    """An application whose model works on two shards of a stream and has told of an anomaly there."""
    application = Application(bus, store, pace=Pace(checkpoint_s=0.0, poll_s=0.01))
    application.start()
    model = application.create_model(Untrained("business", name="web", features=("cpu", "latency"), seed=1)).model_id
    application.score(model, calm(1500))
    worker = application.deploy(model, "hosts", shards=2)
    bus.publish("hosts", with_burst(calm(200, begun=1500), 100))
    wait(lambda: worker.positions() == bus.positions("hosts"))
    yield application, worker, bus.consume_anomalies("hosts")[0][1]
    application.close()


def test_a_streams_label_is_learnt_once_by_the_worker_of_its_shard(streamed, bus, store):
    application, worker, anomaly = streamed
    keys = [worker.assignment.key(shard) for shard in (0, 1)]
    before = [whole(store, key) for key in keys]
    assert application.feedback(anomaly.anomaly_id, "normal") == "queued"
    ((shard, at),) = bus.positions(topic_of("hosts")).items()
    wait(lambda: bus.committed(anomaly.model, topic_of("hosts"), shard) == at)
    expected = Detector.load(before[shard])
    assert expected.feedback(anomaly.contributing_events[0], label=False)
    after = [whole(store, key) for key in keys]
    assert after[shard] != before[shard]
    assert after[shard] == expected.save()
    assert after[1 - shard] == before[1 - shard]
    ((_, sent),) = bus.consume(topic_of("hosts"), shard)
    assert labels_of(sent)[0].event_id == anomaly.contributing_events[0]
    application.close()
    again = Application(bus, store, pace=Pace(checkpoint_s=0.0, poll_s=0.01))
    again.start()
    wait(lambda: len(again.deployments(anomaly.model)[0].positions()) == 2)
    time.sleep(0.4)
    again.close()
    assert [whole(store, key) for key in keys] == after


def test_a_label_for_a_stream_that_nothing_works_on_is_refused(client, store, model, told):
    store.put_anomalies([replace(Anomaly.from_json(told), anomaly_id="gone", stream="elsewhere")])
    refused = give(client, "gone", "normal")
    assert refused.status_code == 409
    assert "'elsewhere'" in refused.json()["detail"]
