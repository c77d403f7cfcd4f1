"""SIGTERM to the whole service while a stream runs: it drains, checkpoints, gives its shards back, and is gone."""

import json
import time
import urllib.request
from threading import Event, Thread

import numpy as np
import pytest

from snnlab.detectors import Detector
from snnlab.events import EventBatch
from snnlab.serving.bento import NamedModel, assemble
from snnlab.serving.run import BentoServer
from snnlab.stores import ShardKey
from snnlab.streams import shards_of

STREAM, SHARDS = "hosts", 4


@pytest.fixture
def bento(tmp_path, model, bus_url, empty_ignite):
    """Makes the service over the live pair."""
    assemble(tmp_path / "bento", [NamedModel("hosts", model[3])])
    known = {"SNNLAB_BUS": bus_url, "SNNLAB_STORE": empty_ignite, "SNNLAB_API_KEY": ""}
    return lambda: BentoServer(str(tmp_path / "bento"), home=tmp_path / "home", settings=known)


@pytest.fixture
def flowing(live, events):
    """A thread that publishes until it is enough, and what it published."""
    bus, _ = live
    sent, enough = [], Event()

    def publish():
        while not enough.wait(0.05):
            sent.append(events(50, begun=1200 + 50 * len(sent)))
            bus.publish(STREAM, sent[-1])

    publisher = Thread(target=publish)
    yield publisher, enough, sent
    enough.set()
    if publisher.is_alive():
        publisher.join()


def asked(server, path, body=None):
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{server.url}{path}", content, {"Content-Type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.load(answer)


def undisturbed(body, version, batch):
    """Anomalies by id, as one process that nothing ends finds them."""
    found, chosen = {}, shards_of(batch.entities, SHARDS)
    for shard in range(SHARDS):
        detector = Detector.load(body)
        detector.restart(clocks=False)
        verdicts = detector.process(batch.take(np.flatnonzero(chosen == shard)))
        found |= {one.anomaly_id: one for one in verdicts.to_anomalies("hosts", STREAM, version)}
    return found


@pytest.mark.slow  # the service starts twice
def test_a_service_that_is_asked_to_end_does_so_in_ten_seconds_and_the_next_goes_on(
    live, model, bento, flowing, kept, acknowledged, eventually
):
    bus, store = live
    publisher, enough, sent = flowing
    with bento() as service:
        version = int(asked(service, "/api/v1/models/hosts/deploy", {"stream": STREAM, "shards": SHARDS})["version"])
        publisher.start()
        eventually(lambda: any(bus.committed("hosts", STREAM, shard) for shard in range(SHARDS)))
        process, begun = service._process, time.monotonic()
        process.terminate()
        process.wait(30)
        took = time.monotonic() - begun
    assert publisher.is_alive()  # the stream ran all the while
    assert took < 10
    assert store.leases() == []
    done = {shard: bus.committed("hosts", STREAM, shard) for shard in range(SHARDS)}
    assert any(done.values())
    for shard, position in done.items():
        saved = store.load(ShardKey(f"hosts@{version}", STREAM, shard))
        assert (saved and saved.position) == position  # what was done is checkpointed, and acknowledged
    enough.set()
    publisher.join()
    with bento():
        eventually(lambda: acknowledged(bus))
    assert kept(store) == undisturbed(model[3], version, EventBatch.concat(sent))
    assert bus.dead_letter_count(STREAM) == 0
