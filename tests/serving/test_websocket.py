import asyncio
import base64
import json
import time

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from starlette.websockets import WebSocketDisconnect

from snnlab.events.anomaly import Anomaly
from snnlab.serving.auth import Guard, KeyGuard
from snnlab.serving.rest import create_app
from snnlab.serving.websocket import SocketLimits
from snnlab.streams.sqlite import SqliteBus

BASE = "/api/v1"


def anomaly(number):
    return Anomaly(f"a{number}", number, "latency_spike", 0.75, spike_pattern=(0.5, 0.0), entity="web", stream="hosts")


def closed(socket):
    with pytest.raises(WebSocketDisconnect) as told:
        socket.receive_json()
    return told.value


def test_new_anomalies_of_a_stream_are_sent_in_order(client, bus):
    bus.create("hosts", 2)
    bus.publish_anomalies("hosts", [anomaly(0)])
    with client.websocket_connect("/ws/anomalies/hosts") as one, client.websocket_connect("/ws/anomalies/hosts") as two:
        bus.publish_anomalies("hosts", [anomaly(1), anomaly(2)])
        bus.publish_anomalies("hosts", [anomaly(3)])
        told = [one.receive_json() for _ in range(3)]
        assert [two.receive_json() for _ in range(3)] == told
    assert [part["anomaly_id"] for part in told] == ["a1", "a2", "a3"]
    position = told[0].pop("position")
    assert told[0] == anomaly(1).to_json()
    with client.websocket_connect(f"/ws/anomalies/hosts?after={position}") as again:
        assert again.receive_json()["anomaly_id"] == "a2"
    with client.websocket_connect("/ws/anomalies/hosts?after=-1") as whole:
        assert [whole.receive_json()["anomaly_id"] for _ in range(4)] == ["a0", "a1", "a2", "a3"]


def test_what_the_bus_tells_of_is_not_read_from_it_again(client, bus, monkeypatch):
    bus.create("hosts", 1)
    reads, read = [], bus.consume_anomalies
    monkeypatch.setattr(bus, "consume_anomalies", lambda *given: reads.append(1) or read(*given))
    with client.websocket_connect("/ws/anomalies/hosts") as socket:
        for number in range(200):
            bus.publish_anomalies("hosts", [anomaly(number)])
            assert socket.receive_json()["anomaly_id"] == f"a{number}"
    assert len(reads) < 50  # at first, until it is abreast, and now and then


def test_anomalies_of_another_process_come_at_once(application, bus):
    bus.create("hosts", 1)
    app = create_app(application, sockets=SocketLimits(idle_s=60.0))
    with (
        TestClient(app) as client,
        client.websocket_connect("/ws/anomalies/hosts") as socket,
        SqliteBus(bus.path) as other,
    ):
        for number in range(3):
            other.publish_anomalies("hosts", [anomaly(number)])
            assert socket.receive_json()["anomaly_id"] == f"a{number}"
            bus.publish_anomalies("hosts", [anomaly(number + 10)])
            assert socket.receive_json()["anomaly_id"] == f"a{number + 10}"


def test_a_deployed_models_anomalies_come_through(client, model, bus, calm, with_burst):
    client.post(f"{BASE}/models/{model}/deploy", json={"stream": "hosts", "shards": 2})
    with client.websocket_connect("/ws/anomalies/hosts") as socket:
        bus.publish("hosts", with_burst(calm(1700), 1650))
        told = socket.receive_json()
    assert told["model"] == model
    assert client.get(f"{BASE}/anomalies/{told['anomaly_id']}").json()["explanation"] == told["explanation"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/ws/anomalies/nowhere", "'nowhere'"),
        ("/ws/anomalies/hosts?after=yesterday", "'yesterday'"),
        ("/ws/spikes/nobody", "'nobody'"),
    ],
)
def test_what_is_not_there_is_told_and_closed(client, bus, path, words):
    bus.create("hosts", 1)
    with client.websocket_connect(path) as socket:
        told = closed(socket)
    assert told.code == 4404
    assert words in told.reason


def test_spikes_are_the_mean_patterns_of_recent_events(client, application, model, calm, as_json):
    with client.websocket_connect(f"/ws/spikes/{model}") as socket:
        batch = calm(50)
        found = application.score(model, batch)
        told = socket.receive_json()
    assert told["events"] == 50
    assert told["event_id"] == batch.event_ids[-1]
    assert told["rates"] == pytest.approx(found.verdicts.pattern.mean(axis=0), abs=1e-6)
    assert told["spike_pattern"] == pytest.approx(found.verdicts.pattern[-1])
    assert max(told["rates"]) > 0
    until = time.monotonic() + 10
    while application.spikes._watches and time.monotonic() < until:
        time.sleep(0.01)
    assert not application.spikes._watches


def test_sockets_are_counted(application, bus):
    bus.create("hosts", 1)
    app = create_app(application, sockets=SocketLimits(sockets=1))
    with TestClient(app) as client:
        path = "/ws/anomalies/hosts"
        with client.websocket_connect(path), client.websocket_connect(path) as second:
            assert closed(second).code == 1013
        until = time.monotonic() + 10
        while app.state.seats._free == 0 and time.monotonic() < until:
            time.sleep(0.01)
        with client.websocket_connect("/ws/anomalies/hosts?after=-1") as third:
            bus.publish_anomalies("hosts", [anomaly(1)])
            assert third.receive_json()["anomaly_id"] == "a1"


def test_a_client_that_takes_nothing_is_dropped_and_the_stream_goes_on(application, bus):
    bus.create("hosts", 1)
    app = create_app(application, sockets=SocketLimits(send_s=0.2))
    scope = {"type": "websocket", "path": "/ws/anomalies/hosts", "query_string": b"after=-1", "headers": []}

    async def talk(takes):
        """A client that takes so many messages and then no more, as a full connection does."""
        sent = []

        async def receive():
            if sent:
                await asyncio.sleep(60)
            return {"type": "websocket.connect"}

        async def send(message):
            if message["type"] == "websocket.send" and sum(part["type"] == "websocket.send" for part in sent) >= takes:
                await asyncio.sleep(60)
            sent.append(message)

        await asyncio.wait_for(app(dict(scope), receive, send), 10)
        return sent

    async def both():
        bus.publish_anomalies("hosts", [anomaly(number) for number in range(20)])
        return await asyncio.gather(talk(1), talk(15))

    slow, other = asyncio.run(both())
    assert [part["type"] for part in slow] == ["websocket.accept", "websocket.send", "websocket.close"]
    assert slow[-1]["code"] == 1008
    ids = [json.loads(part["text"])["anomaly_id"] for part in other if part["type"] == "websocket.send"]
    assert ids == [f"a{number}" for number in range(15)]
    assert app.state.seats._free == 64


def coded(key):
    return "snnlab.key." + base64.urlsafe_b64encode(key.encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("key", "headers", "protocols", "open_"),
    [
        ("k/+", {}, ["snnlab", coded("k/+")], True),
        ("k/+", {"authorization": "Bearer k/+"}, None, True),
        ("k/+", {"origin": "https://dashboard.example"}, ["snnlab", coded("k/+")], True),
        ("k/+", {}, ["snnlab", coded("other")], False),
        ("k/+", {}, ["snnlab", "snnlab.key.~~~"], False),
        ("k/+", {}, None, False),
        (None, {"host": "localhost:3000"}, None, True),
        (None, {"host": "localhost:3000", "origin": "http://127.0.0.1:8080"}, None, True),
        (None, {"host": "localhost:3000", "origin": "https://evil.example"}, None, False),
        (None, {"host": "localhost:3000", "origin": "null"}, None, False),
        (None, {"host": "rebound.example"}, None, False),
    ],
)
def test_sockets_are_guarded_as_requests_are(application, bus, key, headers, protocols, open_):
    bus.create("hosts", 1)
    bus.publish_anomalies("hosts", [anomaly(1)])
    guard = Guard(SecretStr(key) if key else None, loopback=key is None)
    client = TestClient(KeyGuard(create_app(application), guard))
    path = "/ws/anomalies/hosts?after=-1"
    if open_:
        with client.websocket_connect(path, subprotocols=protocols, headers=headers) as socket:
            assert socket.receive_json()["anomaly_id"] == "a1"
            assert socket.accepted_subprotocol == ("snnlab" if protocols else None)
    else:
        with pytest.raises(WebSocketDisconnect) as told:
            client.websocket_connect(path, subprotocols=protocols, headers=headers).__enter__()
        assert told.value.code == 1008
