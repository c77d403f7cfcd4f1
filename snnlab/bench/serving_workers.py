"""One worker and three on the same stream: the same results, and how processor time an event grows.

Each worker is ``snnlab worker`` in a process of its own, on a real broker and store. Events are published when all
shards are taken and everything is loaded; processor time, of all threads, is counted from there to when all is
acknowledged.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from snnlab import stores, streams
from snnlab.bench.rows import Row
from snnlab.bench.servers import Pair
from snnlab.bench.serving_worker import STREAM
from snnlab.bench.workload import detector, stream, with_bursts
from snnlab.events import EventBatch
from snnlab.stores import AnomalyFilter, Store
from snnlab.streams import Bus

__all__ = ["run"]

SHARDS, BAR = 6, 1.10
_KNOWN, _WARM, _ROOM = 12_000, 6_000, 8_192
_PATIENCE_S = 300.0


def run(pair: Pair, *, events: int = 400_000, workers: int = 3) -> list[Row]:
    """Processor time an event with ``workers`` over that with one. Raises RuntimeError where results differ."""
    batch = with_bursts(stream(_KNOWN + _WARM + events), begin=_KNOWN)
    subject = detector(batch)
    subject.process(batch.slice(0, _KNOWN))
    with TemporaryDirectory(prefix="snnlab-bench-") as place:
        model = Path(place) / "bench.snn"
        subject.save(model)
        rest = batch.slice(_KNOWN, len(batch))
        one, told = _measured(pair.fresh(), model, rest, 1)
        several, told_again = _measured(pair.fresh(), model, rest, workers)
    if not told:
        raise RuntimeError("no anomaly was told, so there is nothing to compare; ask for more events")
    if told != told_again:
        raise RuntimeError(f"{workers} workers told {len(told_again)} anomalies, one {len(told)}, and not the same")
    name = f"serving.workers.{workers}"
    each = [1e6 * taken / events for taken in (several, one)]
    return [
        Row.of(name, each[0] / each[1], "times the processor time", bar=BAR, better="lower"),
        Row.of(f"{name}.event", each[0], "µs", peer="one worker", peer_value=each[1], better="lower"),
        Row.of(f"{name}.same", float(len(told)), "anomalies, all the same"),
    ]


def _measured(pair: Pair, model: Path, batch: EventBatch, workers: int) -> tuple[float, dict[str, float]]:
    """Processor seconds of the workers, and the scores of anomalies by id."""
    with streams.connect(pair.bus) as bus, stores.connect(pair.store) as store:
        bus.create(STREAM, SHARDS)
        with _started(pair, model, workers) as started:
            _until(lambda: _owners(store) == workers, started)
            bus.publish(STREAM, batch.slice(0, _WARM))
            _until(lambda: _acknowledged(bus), started)
            before = sum(_processor_s(process.pid) for process in started)
            for start in range(_WARM, len(batch), _ROOM):
                bus.publish(STREAM, batch.slice(start, start + _ROOM))
            _until(lambda: _acknowledged(bus), started)
            taken = sum(_processor_s(process.pid) for process in started) - before
        return taken, _told(store)


@contextmanager
def _started(pair: Pair, model: Path, workers: int) -> "Iterator[list[subprocess.Popen[bytes]]]":
    asked = [sys.executable, "-m", "snnlab", "worker", "--model", str(model), "--from", pair.bus]
    asked += ["--store", pair.store, "--topic", STREAM]
    log = model.with_suffix(".log")
    with log.open("ab") as told:
        environment = {**os.environ, "SNNLAB_HOME": str(model.parent)}
        started = [
            subprocess.Popen(asked, stdout=told, stderr=told, env=environment)  # noqa: S603 - our own command
            for _ in range(workers)
        ]
        try:
            yield started
        finally:
            for process in started:
                process.terminate()
            for process in started:
                process.wait(60)


def _until(done: Callable[[], bool], started: "list[subprocess.Popen[bytes]]") -> None:
    until = time.monotonic() + _PATIENCE_S
    while not done():
        if any(process.poll() is not None for process in started) or time.monotonic() > until:
            raise RuntimeError("a worker ended, or the workers did not come to an end in time")
        time.sleep(0.2)


def _owners(store: Store) -> int:
    """How many workers have shards, when all shards are taken."""
    leases = store.leases()
    return len({lease.owner for lease in leases}) if len(leases) == SHARDS else 0


def _acknowledged(bus: Bus) -> bool:
    last = bus.positions(STREAM)
    return {shard: bus.committed("bench", STREAM, shard) for shard in last} == last


def _processor_s(pid: int) -> float:
    """Processor seconds of a process, from /proc (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _told(store: Store) -> dict[str, float]:
    found: dict[str, float] = {}
    cursor = None
    while True:
        page = store.anomalies(AnomalyFilter(), limit=10_000, cursor=cursor)
        found |= {one.anomaly_id: one.score for one in page.items}
        cursor = page.cursor
        if cursor is None:
            return found
