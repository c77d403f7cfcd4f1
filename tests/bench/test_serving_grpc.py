"""The client of the benchmark against a real server; how fast it is, is what the benchmark says."""

import asyncio
from hashlib import sha256
from threading import Event, Thread

import pytest

from snnlab import streams
from snnlab.bench import serving_grpc
from snnlab.bench.workload import detector, stream
from snnlab.serving.application import Application
from snnlab.serving.bento import Bundled, Entry
from snnlab.serving.grpc import GrpcServer, GrpcSettings
from snnlab.stores import connect as connect_store


@pytest.fixture
def batch():
    return stream(2_000, entities=10)


@pytest.fixture
def body(batch):
    return detector(batch, neurons=64).save()


@pytest.fixture
def application(tmp_path, body):
    bus, store = streams.connect(f"sqlite:///{tmp_path / 'bus.db'}"), connect_store(f"sqlite:///{tmp_path / 's.db'}")
    with bus, store:
        application = Application(bus, store)
        application.start(
            [
                Bundled(
                    Entry(name="bench", version="1", domain="performance", digest=f"sha256:{sha256(body).hexdigest()}"),
                    body,
                )
            ]
        )
        yield application
        application.close()


@pytest.fixture
def address(application):
    """Of a server on the event loop of another thread."""
    found, ready, done = [], Event(), Event()

    async def serve():
        server = await GrpcServer.start(application, GrpcSettings(port=0))
        found.append(f"127.0.0.1:{server.port}")
        ready.set()
        await asyncio.to_thread(done.wait)
        await server.stop()

    thread = Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(20)
    yield found[0]
    done.set()
    thread.join()


def test_every_event_is_scored_once_and_told_in_rows(address, application, batch, body, monkeypatch):
    monkeypatch.setattr(serving_grpc, "MESSAGES", 2)
    monkeypatch.setattr(serving_grpc, "A_MESSAGE", 64)
    needed = serving_grpc.needed(20, 2)
    rows = serving_grpc.rows(address, "bench", body, batch.slice(0, needed), events=20, rounds=2)
    assert [row.figure.id for row in rows] == ["serving.grpc.p50", "serving.grpc.p99", "serving.grpc.batch"]
    assert application.model("bench").scorer.detector.n_events == needed
    assert all(row.figure.value > 0 and row.figure.peer_value > 0 for row in rows)
