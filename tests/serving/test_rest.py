import json
import time

import numpy as np
import pytest

from snnlab.serving.rest import models

BASE = "/api/v1"


def finished(client, location, seconds=60):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        job = client.get(location).json()
        if job["status"] in {"succeeded", "failed"}:
            return job
        time.sleep(0.02)
    raise AssertionError(job)


def problem(response, status, *words):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    content = response.json()
    assert content["status"] == status
    assert {"type", "title", "detail"} <= content.keys()
    for word in words:
        assert word in content["detail"], content["detail"]
    return content


def test_a_model_is_created_listed_and_told(client):
    made = client.post(f"{BASE}/models", json={"domain": "sensor", "name": "pump", "features": ["p", "t"]})
    assert made.status_code == 201
    model_id = made.json()["model_id"]
    assert model_id.startswith("pump-")
    assert made.headers["location"] == f"{BASE}/models/{model_id}"
    assert made.json()["features"] == ["p", "t"]
    assert made.json()["anomaly_types"] == [
        "environmental_change",
        "equipment_malfunction",
        "predictive_maintenance",
        "quality_control_deviation",
    ]
    assert [part["model_id"] for part in client.get(f"{BASE}/models").json()["models"]] == [model_id]
    assert client.get(made.headers["location"]).json() == made.json()


def test_training_is_a_job_that_can_be_polled(client, model, calm, as_json):
    events = as_json(calm(300))
    labels = {event["event_id"]: False for event in events[:20]}
    taken = client.put(f"{BASE}/models/{model}/train", json={"events": events, "labels": labels})
    assert taken.status_code == 202
    assert taken.headers["location"] == f"{BASE}/jobs/{taken.json()['job_id']}"
    job = finished(client, taken.headers["location"])
    assert job["status"] == "succeeded", job
    assert job["done"] == job["total"] == job["result"]["events"] == 300
    assert job["result"]["labels"] == 20
    told = client.get(f"{BASE}/models/{model}").json()
    assert told["events_seen"] == 300
    assert told["version"] == "2"
    assert client.get(f"{BASE}/metrics").json()["models"][0]["accuracy"] == 1.0


def test_training_on_a_stream_reads_all_of_it(client, model, bus, calm):
    bus.create("history", 3)
    bus.publish("history", calm(250, entities=7))
    taken = client.put(f"{BASE}/models/{model}/train", json={"stream": "history"})
    assert finished(client, taken.headers["location"])["result"]["events"] == 250


def test_scoring_answers_in_order_and_keeps_the_anomalies(client, model, calm, with_burst, as_json):
    client.post(f"{BASE}/models/{model}/score", json={"events": as_json(calm(1500))})
    batch = with_burst(calm(60, begun=1500), 40)
    scored = client.post(f"{BASE}/models/{model}/score", json={"events": as_json(batch)})
    assert scored.status_code == 200
    verdicts = scored.json()["verdicts"]
    assert [verdict["event_id"] for verdict in verdicts] == batch.event_ids
    assert not any(verdict["anomaly"] for verdict in verdicts[:40])
    told = [verdict for verdict in verdicts if verdict["anomaly_id"]]
    assert told
    detail = client.get(f"{BASE}/anomalies/{told[0]['anomaly_id']}").json()
    assert detail["anomaly_type"] == told[0]["type"]
    assert detail["model"] == model
    assert detail["contributing_events"] == [told[0]["event_id"]]
    assert detail["explanation"]


def test_events_one_by_one_have_the_verdicts_of_all_together(client, model, bus, calm, with_burst, as_json):
    bus.create("hosts", 1)
    body = {"domain": "performance", "features": client.get(f"{BASE}/models/{model}").json()["features"], "seed": 1}
    paths = [f"{BASE}/models/{client.post(f'{BASE}/models', json=body).json()['model_id']}/score" for _ in range(2)]
    for path in paths:
        client.post(path, json={"events": as_json(calm(1500))})
    batch = as_json(with_burst(calm(60, begun=1500), 40))
    wanted = client.post(paths[0], json={"events": batch}).json()["verdicts"]
    verdicts = []
    with client.websocket_connect("/ws/anomalies/hosts") as socket:
        for event in batch:
            answered = client.post(paths[1], json={"events": [event], "stream": "hosts"})
            assert answered.headers["content-type"] == "application/json"
            verdicts += answered.json()["verdicts"]
            if anomaly := verdicts[-1]["anomaly_id"]:
                assert client.get(f"{BASE}/anomalies/{anomaly}").json()["stream"] == "hosts"
                assert socket.receive_json()["anomaly_id"] == anomaly
    for one in (*wanted, *verdicts):
        one["anomaly_id"] = bool(one["anomaly_id"])  # made of the model's id, too
    assert any(one["anomaly_id"] for one in wanted)
    assert verdicts == wanted


def test_anomalies_are_filtered_and_paged(client, model, calm, with_burst, as_json):
    client.post(f"{BASE}/models/{model}/score", json={"events": as_json(calm(1500))})
    for begun in range(1500, 2100, 200):
        batch = with_burst(calm(200, begun=begun), 150)
        client.post(f"{BASE}/models/{model}/score", json={"events": as_json(batch)})
    whole = client.get(f"{BASE}/anomalies").json()["anomalies"]
    assert len(whole) >= 2
    assert [one["detected_at"] for one in whole] == sorted((one["detected_at"] for one in whole), reverse=True)
    first = client.get(f"{BASE}/anomalies", params={"limit": 1}).json()
    second = client.get(f"{BASE}/anomalies", params={"limit": 1, "cursor": first["next_cursor"]}).json()
    assert [first["anomalies"][0], second["anomalies"][0]] == whole[:2]
    last = whole[0]
    for params, fits in [
        ({"since": last["detected_at"]}, lambda one: one["detected_at"] >= last["detected_at"]),
        ({"until": last["detected_at"]}, lambda one: one["detected_at"] < last["detected_at"]),
        ({"type": last["anomaly_type"]}, lambda one: one["anomaly_type"] == last["anomaly_type"]),
        ({"severity": last["severity"]}, lambda one: one["severity"] >= last["severity"]),
        ({"entity": last["entity"]}, lambda one: one["entity"] == last["entity"]),
        ({"model": model}, lambda _: True),
        ({"model": "other"}, lambda _: False),
        ({"stream": "other"}, lambda _: False),
    ]:
        found = client.get(f"{BASE}/anomalies", params=params).json()["anomalies"]
        assert found == [one for one in whole if fits(one)], params


def test_a_registered_pattern_names_the_next_anomaly_like_it(client, model, calm, with_burst, as_json):
    client.post(f"{BASE}/models/{model}/score", json={"events": as_json(calm(1500))})
    client.post(f"{BASE}/models/{model}/score", json={"events": as_json(with_burst(calm(100, begun=1500), 50))})
    seen = client.get(f"{BASE}/anomalies").json()["anomalies"][-1]
    body = {
        "name": "deploy gone wrong",
        "anomaly_type": "bad_deploy",
        "anomaly_id": seen["anomaly_id"],
        "similarity": 0.01,
        "recommended_actions": ["Roll back."],
    }
    made = client.post(f"{BASE}/patterns", json=body)
    assert made.status_code == 201
    assert made.json()["model_id"] == model
    client.post(f"{BASE}/models/{model}/score", json={"events": as_json(with_burst(calm(400, begun=1600), 350))})
    found = client.get(f"{BASE}/anomalies", params={"since": int(calm(1, begun=1600).timestamps[0])}).json()[
        "anomalies"
    ]
    like = [one for one in found if np.dot(one["spike_pattern"], seen["spike_pattern"]) > 0]
    assert like
    assert {one["anomaly_type"] for one in like} == {"bad_deploy"}
    assert like[0]["recommended_actions"][0] == "Roll back."
    assert "deploy gone wrong" in like[0]["explanation"]
    assert client.get(f"{BASE}/anomalies", params={"type": "bad_deploy"}).json()["anomalies"] == like


def test_a_deployed_model_scores_its_stream(client, model, bus, calm, with_burst, as_json):
    body = {"events": as_json(calm(1500))}
    finished(client, client.put(f"{BASE}/models/{model}/train", json=body).headers["location"])
    deployed = client.post(f"{BASE}/models/{model}/deploy", json={"stream": "hosts", "shards": 2})
    assert deployed.status_code == 201
    assert deployed.json()["status"] == "running"
    bus.publish("hosts", with_burst(calm(200, begun=1500), 100))
    until = time.monotonic() + 30
    while time.monotonic() < until:
        at_work = client.get(f"{BASE}/models/{model}").json()["deployments"][0]
        if sum(position + 1 for position in at_work["positions"].values()) == 200:
            break
        time.sleep(0.05)
    assert at_work["events_processed"] == 200
    found = client.get(f"{BASE}/anomalies", params={"stream": "hosts"}).json()["anomalies"]
    assert found
    assert {one["model"] for one in found} == {model}
    assert [one.anomaly_id for _, one in bus.consume_anomalies("hosts")]


def test_metrics_have_the_five_names_and_their_help(client, model, calm, as_json):
    client.post(f"{BASE}/models/{model}/score", json={"events": as_json(calm(50))})
    text = client.get("/metrics")
    assert text.headers["content-type"].startswith("text/plain")
    for name in (
        "neuromorphic_events_processed_total",
        "neuromorphic_anomalies_detected_total",
        "neuromorphic_spike_rate_hertz",
        "neuromorphic_neuron_utilization_percent",
        "neuromorphic_model_accuracy",
    ):
        assert f"# HELP {name} " in text.text
    assert f'neuromorphic_events_processed_total{{model="{model}",stream=""}} 50.0' in text.text
    numbers = client.get(f"{BASE}/metrics").json()
    assert numbers["events_processed"] == 50
    assert numbers["models"][0]["spike_rate_hertz"] > 0
    assert 0 < numbers["models"][0]["neuron_utilization_percent"] <= 100


def test_openapi_tells_every_route_and_its_problems(client):
    told = client.get("/openapi.json").json()
    routes = {(method.upper(), path) for path, methods in told["paths"].items() for method in methods}
    assert routes >= {
        ("POST", "/api/v1/models"),
        ("GET", "/api/v1/models"),
        ("PUT", "/api/v1/models/{model_id}/train"),
        ("POST", "/api/v1/models/{model_id}/deploy"),
        ("GET", "/api/v1/anomalies"),
        ("GET", "/api/v1/anomalies/{anomaly_id}"),
        ("POST", "/api/v1/patterns"),
        ("GET", "/api/v1/metrics"),
    }
    for methods in told["paths"].values():
        for operation in methods.values():
            assert operation["summary"]
            assert operation["description"]
            if "422" in operation["responses"]:
                assert "application/problem+json" in operation["responses"]["422"]["content"]


def event(**changes):
    return {"event_id": "a", "timestamp": 1_800_000_000_000_000, "features": [0.5, 20.0]} | changes


@pytest.mark.parametrize(
    ("events", "status", "words"),
    [
        ([event(features=[1.0])], 422, ["'a'", "1 features, not 2", "cpu, latency"]),
        ([event(), event()], 422, ["'a'", "twice"]),
        ([event(timestamp=1.5)], 422, ["1.5"]),
        ([event(timestamp=2**63)], 422, ["#/events/0/timestamp"]),
        ([event(features=["x", 1.0])], 422, ["#/events/0/features/0", "'x'"]),
        ([event(feature=[1.0])], 422, ["'feature'", "did you mean 'features'"]),
        ([event(metadata={"entity": 3})], 422, ["#/events/0/metadata/entity"]),
        ([event(event_id="")], 422, ["#/events/0/event_id"]),
        ("none", 422, ["#/events"]),
        ([event(event_id=f"e{i}") for i in range(2001)], 413, ["2001 events", "2000 are possible"]),
    ],
)
def test_bad_events_are_told_and_change_nothing(client, model, events, status, words):
    problem(client.post(f"{BASE}/models/{model}/score", json={"events": events}), status, *words)
    if status != 413 and isinstance(events, list):
        problem(client.put(f"{BASE}/models/{model}/train", json={"events": events}), status, *words)
    assert client.get(f"{BASE}/models/{model}").json()["events_seen"] == 0


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_what_is_not_a_finite_number_is_told_by_event_and_feature(client, model, value):
    body = json.dumps({"events": [event(features=[1.0, "X"])]}).replace('"X"', value)
    sent = client.post(f"{BASE}/models/{model}/score", content=body, headers={"content-type": "application/json"})
    problem(sent, 422, "'a'", "latency", "finite")


def test_an_empty_batch_is_no_error(client, model):
    assert client.post(f"{BASE}/models/{model}/score", json={"events": []}).json()["verdicts"] == []
    taken = client.put(f"{BASE}/models/{model}/train", json={"events": []})
    assert finished(client, taken.headers["location"])["result"]["events"] == 0


def test_an_event_that_is_too_late_is_rejected_and_the_rest_is_scored(client, model):
    late = event(event_id="late", timestamp=0, metadata={"entity": "h"})
    sent = client.post(
        f"{BASE}/models/{model}/score",
        json={"events": [event(metadata={"entity": "h"}), late, event(event_id="b", metadata={"entity": "h"})]},
    ).json()
    assert [part["event_id"] for part in sent["rejected"]] == ["late"]
    assert [verdict["score"] is None for verdict in sent["verdicts"]] == [False, True, False]
    assert client.get(f"{BASE}/metrics").json()["dead_letters"] == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"domain": "weather"}, ["'weather'", "security, performance, business, sensor"]),
        ({"domain": "sensor", "neuromorphic": {"netwrok": {}}}, ["'netwrok'", "'network'"]),
        ({"domain": "sensor", "neuromorphic": {"neuron": {"tau_membrane": "long"}}}, ["tau_membrane", "long"]),
        ({"domain": "sensor", "features": ["a", "a"]}, ["'a'", "twice"]),
        ({"domain": "sensor", "colour": 1}, ["'colour'", "domain"]),
        ({}, ["#/domain"]),
        ({"domain": "sensor", "name": "../etc/passwd"}, ["#/name"]),
        ({"domain": "sensor", "seed": -1}, ["#/seed", "-1"]),
        (
            {
                "domain": "sensor",
                "features": ["p"],
                "neuromorphic": {
                    "network": {
                        "layers": [{"type": "input"}, {"type": "reservoir", "neurons": 10**8}, {"type": "readout"}]
                    }
                },
            },
            ["100000000", "100000"],
        ),
    ],
)
def test_a_model_that_cannot_be_made_is_told_why(client, body, words):
    problem(client.post(f"{BASE}/models", json=body), 422, *words)
    assert client.get(f"{BASE}/models").json()["models"] == []


def test_a_model_that_is_not_made_soon_is_made_by_a_job(client, monkeypatch):
    monkeypatch.setattr(models, "_SOON", 0.0)
    taken = client.post(f"{BASE}/models", json={"domain": "sensor", "name": "pump", "features": ["p", "t"]})
    assert taken.status_code == 202, taken.text
    assert taken.headers["location"] == f"{BASE}/jobs/{taken.json()['job_id']}"
    job = finished(client, taken.headers["location"])
    assert (job["kind"], job["status"]) == ("create", "succeeded")
    assert client.get(f"{BASE}/models/{job['result']['model_id']}").json()["features"] == ["p", "t"]


def test_a_model_that_is_not_deployed_soon_is_deployed_by_a_job(client, model, monkeypatch):
    monkeypatch.setattr(models, "_SOON", 0.0)
    taken = client.post(f"{BASE}/models/{model}/deploy", json={"stream": "hosts", "shards": 2})
    assert taken.status_code == 202, taken.text
    job = finished(client, taken.headers["location"])
    assert (job["kind"], job["status"]) == ("deploy", "succeeded")
    assert job["result"] == {"model_id": model, "stream": "hosts", "version": "1"}
    assert client.get(f"{BASE}/deployments/{model}/hosts").json()["shards"] == 2


def test_a_model_of_more_features_than_fit_is_refused_before_it_is_kept(client):
    many = {"domain": "performance", "features": [f"cpu{at}" for at in range(4096)]}
    problem(client.post(f"{BASE}/models", json=many), 422, "4096 features", "at most 268 MB", "name fewer")
    assert client.get(f"{BASE}/models").json()["models"] == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("GET", "/models/nobody", None, 404, ["'nobody'", "POST /api/v1/models"]),
        ("POST", "/models/nobody/score", {"events": []}, 404, ["'nobody'"]),
        ("PUT", "/models/nobody/train", {"events": []}, 404, ["'nobody'"]),
        ("POST", "/models/nobody/deploy", {"stream": "s"}, 404, ["'nobody'"]),
        ("GET", "/anomalies/none", None, 404, ["'none'"]),
        ("GET", "/jobs/none", None, 404, ["'none'"]),
        ("GET", "/nothing", None, 404, []),
        ("DELETE", "/models", None, 405, []),
        ("GET", "/anomalies?severity=2", None, 422, ["query severity", "2"]),
        ("GET", "/anomalies?sverity=1", None, 422, ["sverity"]),
        ("GET", "/anomalies?limit=0", None, 422, ["query limit"]),
        ("GET", "/anomalies?since=yesterday", None, 422, ["yesterday"]),
        ("GET", "/anomalies?cursor=xyz", None, 422, ["xyz"]),
        ("POST", "/patterns", {"name": "p", "anomaly_type": "t"}, 422, ["anomaly_id", "spike_pattern"]),
        ("POST", "/patterns", {"name": "p", "anomaly_type": "t", "anomaly_id": "x"}, 404, ["'x'"]),
        ("POST", "/patterns", {"name": "p", "anomaly_type": "t", "spike_pattern": [1.0]}, 422, ["model_id"]),
        (
            "POST",
            "/patterns",
            {"name": "p", "anomaly_type": "t", "spike_pattern": [1.0], "model_id": "nobody"},
            404,
            ["'nobody'"],
        ),
    ],
)
def test_what_is_not_there_or_not_valid_is_a_problem(client, method, path, body, status, words):
    problem(client.request(method, f"{BASE}{path}", json=body), status, *words)


def test_training_needs_one_source_and_a_stream_that_is_there(client, model):
    problem(client.put(f"{BASE}/models/{model}/train", json={}), 422, "events", "stream")
    problem(client.put(f"{BASE}/models/{model}/train", json={"events": [], "stream": "s"}), 422, "events", "stream")
    problem(client.put(f"{BASE}/models/{model}/train", json={"stream": "nowhere"}), 422, "'nowhere'")


def test_a_stream_keeps_its_shards(client, model, bus):
    bus.create("taken", 3)
    problem(client.post(f"{BASE}/models/{model}/deploy", json={"stream": "taken", "shards": 4}), 422, "3 shards, not 4")
    problem(client.post(f"{BASE}/models/{model}/deploy", json={"stream": "../x"}), 422, "#/stream")
    problem(client.post(f"{BASE}/models/{model}/deploy", json={"stream": "x", "shards": 0}), 422, "#/shards")


def test_malformed_and_oversized_bodies(client, model):
    path = f"{BASE}/models/{model}/score"
    content_type = {"content-type": "application/json"}
    assert problem(client.post(path, content=b"{", headers=content_type), 400)["title"] == "The body is not JSON"
    problem(client.post(path, content=b"[" * 100_000, headers=content_type), 400)
    problem(client.post(path, content=b"x" * 1_000_001), 413, "1000000 bytes")

    def unannounced():
        for _ in range(20):
            yield b" " * 100_000

    problem(client.post(path, content=unannounced(), headers=content_type), 413, "1000000 bytes")


def test_missing_categories_of_a_model_are_absent_not_wrong(client):
    body = {
        "domain": "security",
        "features": ["bytes"],
        "categories": ["user"],
        "neuromorphic": {
            "network": {"layers": [{"type": "input"}, {"type": "reservoir", "neurons": 32}, {"type": "readout"}]}
        },
    }
    model_id = client.post(f"{BASE}/models", json=body).json()["model_id"]
    events = [event(features=[1.0]), event(event_id="b", features=[2.0], metadata={"user": "u"})]
    assert client.post(f"{BASE}/models/{model_id}/score", json={"events": events}).status_code == 200
