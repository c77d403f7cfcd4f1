"""A trained model, ordinary events with bursts among them, and what an undisturbed run makes of them."""

import os
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from snnlab import stores, streams
from snnlab.detectors import Detector
from snnlab.events import EventBatch
from snnlab.stores import AnomalyFilter

SHARDS = 4
STREAM = "hosts"
START = 1_700_000_000_000_000


def _events(count, *, begun=0, entities=5):
    """Ordinary events, one a second; a burst every 150, but not among the first 1,200, which a model is trained on."""
    rng = np.random.default_rng(begun)
    rows = np.arange(begun, begun + count)
    values = rng.normal([0.5, 20.0], [0.05, 2.0], (count, 2))
    values[(rows >= 1200) & (rows % 150 > 146)] = [5.0, 900.0]
    return EventBatch.from_columns(
        values,
        ["cpu", "latency"],
        timestamps=START + rows * 1_000_000,
        event_ids=[f"e{row}" for row in rows],
        entities=[f"host-{row % entities}" for row in rows],
    )


@pytest.fixture(scope="session")
def events():
    return _events


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """A model's file; its name and version, as the command line has them, and its bytes."""
    detector = Detector.build("performance", names=["cpu", "latency"], entities=True, seed=1)
    detector.process(_events(1200))
    body = detector.save()
    path = tmp_path_factory.mktemp("model") / "hosts.snn"
    path.write_bytes(body)
    return path, "hosts", int(sha256(body).hexdigest()[:8], 16), body


@pytest.fixture(scope="session")
def undisturbed(model):
    """Anomalies by id, as one process that nothing disturbs finds them, shard by shard."""
    _, name, version, body = model

    def found(batch):
        chosen = streams.shards_of(batch.entities, SHARDS)
        anomalies = {}
        for shard in range(SHARDS):
            detector = Detector.load(body)
            detector.restart(clocks=False)  # as for every stream that a model has not seen
            verdicts = detector.process(batch.take(np.flatnonzero(chosen == shard)))
            anomalies |= {one.anomaly_id: one for one in verdicts.to_anomalies(name, STREAM, version)}
        return anomalies

    return found


@pytest.fixture
def bus_url(pulsar_url):
    return f"{pulsar_url}/live/{uuid4().hex}"


@pytest.fixture
def live(bus_url, empty_ignite):
    """A real bus with a stream, and a real store."""
    with streams.connect(bus_url) as bus, stores.connect(empty_ignite) as store:
        bus.create(STREAM, SHARDS)
        yield bus, store


@pytest.fixture
def worker_process(model, empty_ignite, tmp_path):
    """Starts ``snnlab worker`` in a process of its own; what is left of them at the end is killed."""
    path, *_ = model
    started = []

    def start(bus_url):
        log = (tmp_path / f"worker-{len(started)}.log").open("wb")
        options = ["--from", bus_url, "--store", empty_ignite, "--topic", STREAM, "--hold", "2"]
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "snnlab", "worker", "--model", str(path), *options],
                cwd=tmp_path,
                stdout=log,
                stderr=log,
                env={**os.environ, "SNNLAB_HOME": str(tmp_path / "home")},
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        for log in Path(tmp_path).glob("worker-*.log"):
            sys.stdout.write(f"{log.name}: {log.read_text()[-2000:]}\n")


@pytest.fixture(scope="session")
def eventually():
    def wait(holds, seconds=150):
        until = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < until, "it did not come about in time"
            time.sleep(0.1)

    return wait


@pytest.fixture(scope="session")
def kept():
    """All anomalies of a store, by id."""

    def found(store):
        page = store.anomalies(AnomalyFilter(stream=STREAM), limit=10_000)
        assert page.cursor is None
        assert len({one.anomaly_id for one in page.items}) == len(page.items)
        return {one.anomaly_id: one for one in page.items}

    return found


@pytest.fixture(scope="session")
def acknowledged():
    """Whether a subscription has acknowledged all that the stream holds."""

    def all_of(bus, model_id="hosts"):
        last = bus.positions(STREAM)
        return {shard: bus.committed(model_id, STREAM, shard) for shard in last} == last

    return all_of
