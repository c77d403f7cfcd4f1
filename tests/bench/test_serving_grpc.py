"""The client of the benchmark against a real server; how fast it is, is what the benchmark says."""

import subprocess
import sys

import grpc
import pytest

from snnlab.bench import serving_grpc
from snnlab.bench.workload import detector, stream
from snnlab.serving.grpc import neuromorphic_pb2 as pb
from snnlab.serving.grpc.service import NAME

# In a process of its own, as a service is: one process has one event loop of gRPC's.
SERVER = """
import asyncio, sys
from hashlib import sha256
from pathlib import Path
from snnlab import stores, streams
from snnlab.serving.application import Application
from snnlab.serving.bento import Bundled, Entry
from snnlab.serving.grpc import GrpcServer, GrpcSettings

async def serve(place):
    body = (place / "model.snn").read_bytes()
    entry = Entry(name="bench", version="1", domain="performance", digest=f"sha256:{sha256(body).hexdigest()}")
    bus, store = streams.connect(f"sqlite:///{place / 'bus.db'}"), stores.connect(f"sqlite:///{place / 'store.db'}")
    with bus, store:
        application = Application(bus, store)
        application.start([Bundled(entry, body)])
        server = await GrpcServer.start(application, GrpcSettings(port=0))
        print(server.port, flush=True)
        await asyncio.to_thread(sys.stdin.read)
        await server.stop()
        application.close()

asyncio.run(serve(Path(sys.argv[1])))
"""


@pytest.fixture
def batch():
    return stream(2_000, entities=10)


@pytest.fixture
def body(batch):
    return detector(batch, neurons=64).save()


@pytest.fixture
def address(tmp_path, body):
    (tmp_path / "model.snn").write_bytes(body)
    command = [sys.executable, "-c", SERVER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield f"127.0.0.1:{int(process.stdout.readline())}"
        process.stdin.close()
        assert process.wait(20) == 0


def test_every_event_is_scored_once_and_told_in_rows(address, batch, body, monkeypatch):
    monkeypatch.setattr(serving_grpc, "MESSAGES", 2)
    monkeypatch.setattr(serving_grpc, "A_MESSAGE", 64)
    needed = serving_grpc.needed(20, 2)
    rows = serving_grpc.rows(address, "bench", body, batch.slice(0, needed), events=20, rounds=2)
    assert [row.figure.id for row in rows] == ["serving.grpc.p50", "serving.grpc.p99", "serving.grpc.batch"]
    assert all(row.figure.value > 0 and row.figure.peer_value > 0 for row in rows)
    with grpc.insecure_channel(address) as channel:
        asked = channel.unary_unary(f"/{NAME}/GetNeuronState", response_deserializer=pb.NeuronStateResponse.FromString)
        request = pb.NeuronStateRequest(model_id="bench", entity=batch.entities.words()[0])
        assert asked(request.SerializeToString(), timeout=20).events_seen == needed
