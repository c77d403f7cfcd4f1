"""A client that reads nothing, over real sockets: the connection fills, it is dropped, and the other has them all."""

import base64
import os
import socket
import time
from threading import Thread

import pytest
import uvicorn

from snnlab.events.anomaly import Anomaly
from snnlab.serving.rest import create_app
from snnlab.serving.websocket import SocketLimits

COUNT = 10_000  # of 1.2 kB each: more than the buffers of a connection hold


@pytest.fixture
def served(application):
    """The application's interface and the port where a uvicorn serves it."""
    app = create_app(application, sockets=SocketLimits(send_s=0.5, page=1_000))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield app, server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = server.force_exit = True
    thread.join()


def opened(port):
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    connection.settimeout(30)
    connection.connect(("127.0.0.1", port))
    head = ["GET /ws/anomalies/hosts?after=-1 HTTP/1.1", "Host: localhost", "Upgrade: websocket", "Connection: Upgrade"]
    head += ["Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}", "", ""]
    connection.sendall("\r\n".join(head).encode())
    return connection


def test_a_client_that_reads_nothing_is_dropped_and_another_has_them_all(served, bus):
    app, port = served
    bus.create("hosts", 1)
    for begun in range(0, COUNT, 500):
        rows = range(begun, begun + 500)
        bus.publish_anomalies("hosts", [Anomaly(f"a{row}", row, "t", 0.5, explanation="x" * 1_000) for row in rows])
    with opened(port) as slow, opened(port) as other:
        tail, taken = b"", 0
        while f'"a{COUNT - 1}"'.encode() not in tail:
            part = other.recv(1 << 18)
            assert part
            taken += len(part)
            tail = (tail + part)[-(1 << 19) :]
        assert taken > COUNT * 1_000
        until = time.monotonic() + 20
        while app.state.seats._free != 63:
            assert time.monotonic() < until
            time.sleep(0.02)
        assert slow.fileno() > 0  # it is still there: it was dropped for being slow, not for going
        bus.publish_anomalies("hosts", [Anomaly("late", 1, "t", 0.5)])
        while b'"late"' not in tail:
            tail = (tail + other.recv(1 << 18))[-(1 << 19) :]
