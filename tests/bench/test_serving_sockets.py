"""The client of the benchmark against a real server; how fast it is, is what the benchmark says."""

import asyncio
import subprocess
import sys

import pytest

from snnlab.bench import serving_sockets
from snnlab.bench.websocket import WebSocketClient
from snnlab.bench.workload import detector, stream

# In a process of its own, as a service is: REST and gRPC on one event loop.
SERVER = """
import asyncio, sys
from hashlib import sha256
from pathlib import Path
import uvicorn
from snnlab import stores, streams
from snnlab.serving.application import Application
from snnlab.serving.bento import Bundled, Entry
from snnlab.serving.grpc import GrpcServer, GrpcSettings
from snnlab.serving.rest import create_app

async def serve(place):
    body = (place / "model.snn").read_bytes()
    entry = Entry(name="bench", version="1", domain="performance", digest=f"sha256:{sha256(body).hexdigest()}")
    bus, store = streams.connect(f"sqlite:///{place / 'bus.db'}"), stores.connect(f"sqlite:///{place / 'store.db'}")
    with bus, store:
        application = Application(bus, store)
        application.start([Bundled(entry, body)])
        grpc = await GrpcServer.start(application, GrpcSettings(port=0))
        http = uvicorn.Server(uvicorn.Config(create_app(application), host="127.0.0.1", port=0, log_level="error"))
        serving = asyncio.ensure_future(http.serve())
        while not http.started:
            await asyncio.sleep(0.01)
        print(http.servers[0].sockets[0].getsockname()[1], grpc.port, flush=True)
        await asyncio.to_thread(sys.stdin.read)
        http.should_exit = True
        await serving
        await grpc.stop()
        application.close()

asyncio.run(serve(Path(sys.argv[1])))
"""


@pytest.fixture
def ports(tmp_path):
    batch = stream(1_000, entities=10)
    subject = detector(batch, neurons=64)
    subject.process(batch)
    (tmp_path / "model.snn").write_bytes(subject.save())
    command = [sys.executable, "-c", SERVER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield [int(port) for port in process.stdout.readline().split()]
        process.stdin.close()
        assert process.wait(20) == 0


def test_every_anomaly_that_is_told_comes_out_of_the_socket(ports):
    http, grpc = ports
    url, address = f"http://127.0.0.1:{http}", f"127.0.0.1:{grpc}"
    rows = serving_sockets.rows(url, address, "bench", entities=10, rounds=2, events=120)
    assert [row.figure.id for row in rows] == ["serving.grpc_to_ws.p50", "serving.grpc_to_ws.p99"]
    assert all(row.figure.value > 0 and row.figure.peer_value > 0 for row in rows)
    assert [row.figure.bar for row in rows] == [None, serving_sockets.P99_BAR_MS]


def test_a_socket_that_is_closed_says_why(ports):
    async def whole():
        async with await WebSocketClient.open("127.0.0.1", ports[0], "/ws/spikes/nobody") as socket:
            with pytest.raises(ConnectionError, match=r"4404 .*'nobody'"):
                await socket.receive()

    asyncio.run(whole())
