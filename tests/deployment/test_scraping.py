"""A real Prometheus scrapes the real service, through its key, and answers what the dashboards and alerts ask."""

import json
import os
import time
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import numpy as np
import pytest

from snnlab import services, streams
from snnlab.detectors import Detector
from snnlab.events import EventBatch
from snnlab.serving.bento import NamedModel, build
from snnlab.serving.metric_names import HELP
from snnlab.serving.run import BentoServer

KEY = "a key of this test"
SEED = (
    "neuromorphic_events_processed_total",
    "neuromorphic_anomalies_detected_total",
    "neuromorphic_spike_rate_hertz",
    "neuromorphic_neuron_utilization_percent",
    "neuromorphic_model_accuracy",
)


def events(count, begun=0):
    """Ordinary events with a burst at the end."""
    rng = np.random.default_rng(begun)
    rows = np.arange(begun, begun + count)
    values = rng.normal([0.5, 20.0], [0.05, 2.0], (count, 2))
    values[-5:] = [5.0, 900.0]
    return EventBatch.from_columns(
        values,
        ["cpu", "latency"],
        timestamps=1_700_000_000_000_000 + rows * 1_000_000,
        event_ids=[f"e{row}" for row in rows],
        entities=[f"host-{row % 5}" for row in rows],
    )


def asked(url, body=None):
    content = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"}
    with urlopen(Request(url, content, headers), timeout=30) as answer:  # noqa: S310 - a server of this test
        return json.loads(answer.read())


def eventually(found, seconds=60):
    until = time.monotonic() + seconds
    while not (result := found()):
        assert time.monotonic() < until, "it did not come about in time"
        time.sleep(0.2)
    return result


@pytest.fixture
def service(tmp_path):
    """A Bento at work on a stream, with an anomaly whose label it was told."""
    detector = Detector.build("performance", names=["cpu", "latency"], entities=True, seed=1)
    detector.process(events(1200).slice(0, 1190))
    home, bus = tmp_path / "bentoml", f"sqlite:///{tmp_path / 'bus.db'}"
    tag = build([NamedModel("web", detector.save())], home=home)
    settings = {"SNNLAB_API_KEY": KEY, "SNNLAB_BUS": bus}
    with BentoServer(tag, home=home, settings=settings, timeout_s=180.0) as server:  # kernels may be compiled first
        asked(f"{server.url}/api/v1/models/web/deploy", {"stream": "hosts", "shards": 2})
        with streams.connect(bus) as there:
            there.publish("hosts", events(200, begun=1200))
        found = eventually(lambda: asked(f"{server.url}/api/v1/anomalies")["anomalies"])
        asked(f"{server.url}/api/v1/anomalies/{found[0]['anomaly_id']}/feedback", {"label": "anomaly"})
        yield server


@pytest.fixture
def prometheus(service, tmp_path, monkeypatch):
    """A Prometheus that looks at the service."""
    if (why := services.missing(["prometheus"])) and os.environ.get("CI") != "true":
        pytest.skip(f"Prometheus cannot be started: {why}")
    monkeypatch.setenv("SNNLAB_API_KEY", KEY)
    home = tmp_path / "home"
    started = services.up(home, ["prometheus"], scrape=service.url.removeprefix("http://"))
    yield started["prometheus"].url
    assert services.down(home, wipe=True) == ["prometheus"]


@pytest.mark.slow  # a Bento is built and served, and Prometheus fetched and started
def test_prometheus_scrapes_the_service_and_answers_for_every_metric(service, prometheus, bento):
    def query(expr):
        return asked(f"{prometheus}/api/v1/query?{urlencode({'query': expr})}")["data"]["result"]

    for probe in ("livez", "readyz"):  # as Kubernetes asks, without the key
        with urlopen(f"{service.url}/{probe}", timeout=10) as answer:  # noqa: S310 - a server of this test
            assert answer.status == 200

    labels = {name: eventually(lambda name=name: query(name))[0]["metric"] for name in SEED}
    assert {one["model"] for one in labels.values()} == {"web"}
    assert {labels[name]["stream"] for name in SEED[:2]} == {"hosts"}
    assert labels["neuromorphic_anomalies_detected_total"]["type"]
    assert {one["job"] for one in labels.values()} == {"neuromorphic-service"}
    assert eventually(lambda: [one for one in query(SEED[0]) if one["value"][1] == "200"])
    assert eventually(lambda: [one for one in query(SEED[4]) if one["value"][1] == "1"])
    for name in HELP:
        assert query(name) or query(f"{name}_bucket"), name

    def rules():
        return {rule["name"]: rule for rule in asked(f"{prometheus}/api/v1/rules")["data"]["groups"][0]["rules"]}

    assert {rule["health"] for rule in rules().values()} == {"ok"}
    assert [name for name, rule in rules().items() if rule["state"] == "firing"] == []
    assert rules()["NeuromorphicServiceDown"]["state"] == "inactive"

    for board in sorted((bento / "grafana" / "dashboards").glob("*.json")):
        for panel in json.loads(board.read_text())["panels"]:
            for target in panel["targets"]:
                expr = target["expr"].replace("$__rate_interval", "1m").replace("$__range", "1h")
                eventually(lambda expr=expr: query(expr.replace("$model", ".*")))  # a rate needs two scrapes

    service.stop()
    eventually(lambda: rules()["NeuromorphicServiceDown"]["state"] == "pending")
