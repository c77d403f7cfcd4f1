import numpy as np
import pytest
from fastapi.testclient import TestClient

from snnlab import streams
from snnlab.events import EventBatch
from snnlab.serving.application import Application
from snnlab.serving.assignment import Pace
from snnlab.serving.rest import Limits, create_app
from snnlab.stores import connect as connect_store

NAMES = ["cpu", "latency"]
NETWORK = {"network": {"layers": [{"type": "input"}, {"type": "reservoir", "neurons": 256}, {"type": "readout"}]}}


def _calm(count, *, begun=0, seed=0, entities=5):
    """Ordinary events of a few entities, one a second each."""
    rng = np.random.default_rng(seed + begun)
    rows = np.arange(begun, begun + count)
    return EventBatch.from_columns(
        rng.normal([0.5, 20.0], [0.05, 2.0], (count, 2)),
        NAMES,
        timestamps=1_700_000_000_000_000 + rows * 1_000_000,
        event_ids=[f"e{row}" for row in rows],
        entities=[f"host-{row % entities}" for row in rows],
    )


def _with_burst(batch, at, size=5):
    """The batch with a few events far outside."""
    values = batch.values.copy()
    values[at : at + size] = [5.0, 900.0]
    return EventBatch.from_columns(
        values,
        batch.names,
        timestamps=batch.timestamps,
        event_ids=batch.event_ids,
        entities=batch.entities.words(),
    )


def _as_json(batch):
    return [
        {"event_id": i, "timestamp": t, "features": f, "metadata": {"entity": e}}
        for i, t, f, e in zip(
            batch.event_ids, batch.timestamps.tolist(), batch.values.tolist(), batch.entities.words(), strict=True
        )
    ]


@pytest.fixture(scope="session")
def calm():
    return _calm


@pytest.fixture(scope="session")
def with_burst():
    return _with_burst


@pytest.fixture(scope="session")
def as_json():
    return _as_json


@pytest.fixture
def bus(tmp_path):
    with streams.connect(f"sqlite:///{tmp_path / 'bus.db'}") as bus:
        yield bus


@pytest.fixture
def store(tmp_path):
    with connect_store(f"sqlite:///{tmp_path / 'store.db'}") as store:
        yield store


@pytest.fixture
def application(bus, store):
    application = Application(bus, store, pace=Pace(checkpoint_s=0.1, poll_s=0.01))
    application.start()
    yield application
    application.close()


@pytest.fixture
def client(application):
    app = create_app(application, Limits(body_bytes=1_000_000, events=2000, seconds=60.0))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def model(client):
    body = {"domain": "performance", "name": "web", "features": NAMES, "neuromorphic": NETWORK, "seed": 1}
    return client.post("/api/v1/models", json=body).json()["model_id"]
