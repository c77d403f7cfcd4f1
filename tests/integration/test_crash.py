"""A worker that dies between two of its steps: after it published and before its checkpoint, and after that."""

import os
import subprocess
import sys
import time
from threading import Thread

import pytest

STREAM = "hosts"

# os._exit ends the process as kill -9 does: nothing is flushed, closed, given back or told.
DYING = """
import os, sys
from snnlab.cli import main
from snnlab.stores.ignite import IgniteStore
from snnlab.streams.pulsar import PulsarBus

owner, step = {"checkpoint": (IgniteStore, "save"), "acknowledgement": (PulsarBus, "commit")}[sys.argv[1]]
done, left = getattr(owner, step), int(sys.argv[2])

def dies(self, *arguments, **more):
    global left
    left -= 1
    if left < 0:
        os._exit(9)
    return done(self, *arguments, **more)

setattr(owner, step, dies)
main(sys.argv[3:])
"""


@pytest.fixture
def dying(model, empty_ignite, tmp_path):
    """Lets a worker die before its checkpoint, or before its acknowledgement, once it has done so many."""

    def work(bus_url, step, after):
        options = ["--from", bus_url, "--store", empty_ignite, "--topic", STREAM, "--hold", "2"]
        return subprocess.run(
            [sys.executable, "-c", DYING, step, str(after), "worker", "--model", str(model[0]), *options],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env={**os.environ, "SNNLAB_HOME": str(tmp_path / "home")},
        )

    return work


@pytest.mark.slow  # two workers start one after the other, and the second waits for the first one's leases
@pytest.mark.parametrize(("step", "after"), [("checkpoint", 1), ("acknowledgement", 1)])
def test_nothing_is_lost_or_told_twice_whichever_step_a_worker_dies_before(
    live, bus_url, dying, worker_process, events, undisturbed, kept, acknowledged, eventually, step, after
):
    bus, store = live
    sent = events(2400, begun=1200)

    def publish():
        for start in range(0, 2400, 40):
            bus.publish(STREAM, sent.slice(start, start + 40))
            time.sleep(0.05)

    publisher = Thread(target=publish)
    publisher.start()
    done = dying(bus_url, step, after)
    assert done.returncode == 9, done.stderr
    assert store.leases()  # it had shards, and could not give them back
    publisher.join()
    worker_process(bus_url)
    eventually(lambda: acknowledged(bus))
    expected = undisturbed(sent)
    assert kept(store) == expected
    told = [one for _, one in bus.consume_anomalies(STREAM, limit=10_000)]
    assert {one.anomaly_id: one.score for one in told} == {name: one.score for name, one in expected.items()}
    assert bus.dead_letter_count(STREAM) == 0
