import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from snnlab.serving.door import Door


def test_a_door_answers_503_until_it_is_opened_and_after_it_is_closed():
    behind = FastAPI()
    behind.add_api_route("/models", lambda: "ok")
    door = Door()
    client = TestClient(door)
    for opened in (False, True, False):
        door.open(behind) if opened else door.close()
        answer = client.get("/models")
        assert answer.status_code == (200 if opened else 503)
        if not opened:
            assert answer.headers["content-type"] == "application/problem+json"
            assert "/readyz" in answer.json()["detail"]


def test_a_socket_that_comes_too_early_is_closed():
    with pytest.raises(WebSocketDisconnect) as closed, TestClient(Door()).websocket_connect("/ws/anomalies/hosts"):
        pass
    assert closed.value.code == 1013
