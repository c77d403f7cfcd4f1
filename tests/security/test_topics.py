"""A deployment names only streams that the operator allows, through whichever door it comes."""

import pytest
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from snnlab.errors import ConfigError, TopicForbidden
from snnlab.serving.application import Application
from snnlab.serving.assignment import Pace
from snnlab.serving.grpc.status import code_of
from snnlab.serving.rest import create_app
from snnlab.serving.topics import Topics

OWN = ["web.anomalies", "web.dead-letters", "web.replayed-letters", "web.feedback", "web-partition-3"]


@pytest.fixture
def opened(bus, store):
    made = []

    def open_with(*patterns):
        made.append(Application(bus, store, pace=Pace(poll_s=0.01), topics=Topics(*patterns)))
        made[-1].start()
        return made[-1], TestClient(create_app(made[-1]), raise_server_exceptions=False)

    yield open_with
    for application in made:
        application.close()


def made(client):
    return client.post("/api/v1/models", json={"domain": "sensor", "features": ["cpu"]}).json()["model_id"]


def test_only_allowed_streams_are_made_trained_from_and_told_of(opened, bus):
    application, client = opened("pumps.*", "web")
    model = made(client)
    assert client.post(f"/api/v1/models/{model}/deploy", json={"stream": "pumps.eu", "shards": 1}).status_code == 201
    bus.create("payments", 1)
    before = bus.streams()
    for path, method in (("deploy", client.post), ("train", client.put)):
        for name in ("payments", "pumps", "xpumps.eu", "PUMPS.eu", "web2"):
            refused = method(f"/api/v1/models/{model}/{path}", json={"stream": name})
            assert refused.status_code == 403, refused.text
            assert refused.json()["type"] == "urn:snnlab:problem:topic-forbidden"
            assert "pumps.*, web" in refused.json()["detail"]
    with (
        client.websocket_connect("/ws/anomalies/payments") as socket,
        pytest.raises(WebSocketDisconnect) as closed,
    ):
        socket.receive_json()
    assert closed.value.code == 4403
    assert bus.streams() == before
    assert [worker.assignment.stream for worker in application.deployments(model)] == ["pumps.eu"]


@pytest.mark.parametrize("name", OWN)
def test_topics_beside_a_stream_are_never_deployed_to(opened, bus, name):
    _, client = opened("*")
    refused = client.post(f"/api/v1/models/{made(client)}/deploy", json={"stream": name, "shards": 1})
    assert refused.status_code == 403
    assert bus.streams() == []


def test_a_deployment_that_is_no_longer_allowed_is_not_taken_up_again(opened, bus):
    first, client = opened("*")
    model = made(client)
    for name in ("web", "payments"):
        client.post(f"/api/v1/models/{model}/deploy", json={"stream": name, "shards": 1})
    first.close()
    second, _ = opened("web")
    assert [worker.assignment.stream for worker in second.deployments(model)] == ["web"]


def test_over_grpc_it_is_permission_denied():
    assert code_of(TopicForbidden("no")).name == "PERMISSION_DENIED"


@pytest.mark.parametrize("name", ["", "web\n", "../web", "*", "web/../payments", "web\x00"])
def test_an_odd_name_is_none_of_those_allowed(name):
    with pytest.raises(TopicForbidden):
        Topics.of("web, pumps.?").check(name)


@pytest.mark.parametrize("told", ["web,../x", "a b", "persistent://public/default/web", "é"])
def test_what_is_no_pattern_is_refused_at_the_start(told):
    with pytest.raises(ConfigError, match="SNNLAB_TOPICS"):
        Topics.of(told)


def test_no_pattern_allows_nothing():
    with pytest.raises(TopicForbidden, match="none"):
        Topics.of(" , ").check("web")
