"""What is no stream, no model and no position is told by a close code, and leaves no seat taken."""

import pytest
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from snnlab.serving.application import Application
from snnlab.serving.rest import create_app

AFTER = ["x", "--1", "-2", "1e3", "9223372036854775808", "9" * 5_000, "%00", "٣", "1 ", "", "-1%0a"]
PATHS = [f"/ws/anomalies/web?after={after}" for after in AFTER]
PATHS += [f"/ws/{kind}/{name}" for kind in ("anomalies", "spikes") for name in ("none", "web'--", "%00", "a" * 5_000)]


@pytest.fixture
def app(bus, store):
    bus.create("web", 1)
    application = Application(bus, store)
    application.start()
    yield create_app(application)
    application.close()


@pytest.mark.parametrize("path", PATHS, ids=[path[:40] for path in PATHS])
def test_what_is_nothing_is_closed_with_a_code(app, path):
    with TestClient(app).websocket_connect(path) as socket, pytest.raises(WebSocketDisconnect) as closed:
        socket.receive_json()
    assert closed.value.code in {4403, 4404}
    assert closed.value.reason
    assert app.state.seats._free == app.state.sockets.sockets
