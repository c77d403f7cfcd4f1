"""Pulsar → worker → Pulsar with a real broker and store: events a second from a backlog, and latency at half that load.

One worker in this process; the broker, the store and the publisher share the machine. A rate counts until everything is
told, in a checkpoint, and acknowledged. Its peer is the detector alone on the same events.

A latency is until an event is scored: its anomaly, if it has one, then goes out on a thread of its own. ``….added`` is
what that is more than for a worker that only reads: the rest is the time in which the publisher gathers a message, and
the broker's. Servers that were just started compile themselves for a minute, on the cores that score: that time is left
out. On a machine that does other things beside, read the rates of processor time: those of all this process's threads.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float64

from snnlab import stores, streams
from snnlab.bench.rows import Row
from snnlab.bench.servers import Pair
from snnlab.bench.serving_worker import STREAM, Watched, working
from snnlab.bench.timing import seconds, settled
from snnlab.bench.workload import detector, stream, with_bursts
from snnlab.detectors import Detector
from snnlab.events import EventBatch
from snnlab.serving.assignment import Pace
from snnlab.serving.worker import Worker
from snnlab.streams import Bus

__all__ = ["run"]

ARROW_BAR, AVRO_BAR, LATENCY_BAR_MS = 100_000.0, 10_000.0, 20.0
_ENTITIES = 10_000
_KNOWN = 12_000  # events that a model learns before
_WARM = 2_000  # events before the clock runs
_ROOM = 8_192  # events a publish call


def run(
    pair: Pair, *, events: int = 1_200_000, avro_events: int = 60_000, fed_s: float = 20.0, settle_s: float = 40.0
) -> list[Row]:
    """Rates of Arrow and Avro, and percentiles of the latency, in ms, over ``fed_s`` after ``settle_s``."""
    batch = with_bursts(stream(_KNOWN + _WARM + events, entities=_ENTITIES), begin=_KNOWN)
    subject = detector(batch)
    subject.process(batch.slice(0, _KNOWN))
    body = subject.save()
    rest = batch.slice(_KNOWN, len(batch))
    alone = _alone(subject, rest.slice(0, min(events, 100_000)))
    arrow = _rate(pair.fresh(), "arrow", body, rest)
    avro = _rate(pair.fresh(), "avro", body, rest.slice(0, _WARM + avro_events))
    rows = []
    for kind, (wall, processor), bar in (("arrow", arrow, ARROW_BAR), ("avro", avro, AVRO_BAR)):
        name = f"serving.pulsar.{kind}"
        rows.append(Row.of(name, wall, "events/s", peer="detector alone", peer_value=alone[0], bar=bar))
        unit = "events/s of processor time"
        rows.append(Row.of(f"{name}.processor", processor, unit, peer="detector alone", peer_value=alone[1]))
    return [*rows, *_latencies(pair, body, fed_s, settle_s)]


def _latencies(pair: Pair, body: bytes, fed_s: float, settle_s: float) -> list[Row]:
    settled_s = {True: settle_s, False: settle_s / 10}  # the servers' is over when what is only read comes
    taken = {
        scored: _latency(pair.fresh(), body, ARROW_BAR / 2, fed_s, first_s, scored=scored)
        for scored, first_s in settled_s.items()
    }
    rows, name = [], "serving.pulsar.latency"
    for at in (50, 99):
        value, other = (float(np.percentile(taken[scored], at)) for scored in (True, False))
        rows.append(Row.of(f"{name}.p{at}", value, "ms", peer="read only", peer_value=other, better="lower"))
        bar = LATENCY_BAR_MS if at == 99 else None
        rows.append(Row.of(f"{name}.added.p{at}", value - other, "ms", bar=bar, better="lower"))
    return rows


def _alone(subject: Detector, batch: EventBatch) -> tuple[float, float]:
    pieces = [batch.slice(start, start + Pace.batch) for start in range(0, len(batch), Pace.batch)]
    return _rates(len(batch), lambda: [subject.process(piece) for piece in pieces])


def _rates(events: int, work: Callable[[], object]) -> tuple[float, float]:
    """Events a second, and a second of this process's processor time."""
    worked = time.process_time()
    with settled():
        taken = seconds(work)
    return events / taken, events / (time.process_time() - worked)


def _rate(pair: Pair, encoding: str, body: bytes, batch: EventBatch) -> tuple[float, float]:
    """Events a second of a worker that finds all of them waiting; the first few are not counted."""
    with streams.connect(f"{pair.bus}?encoding={encoding}") as bus, stores.connect(pair.store) as store:
        bus.create(STREAM, 1)
        with working(bus, store, body, 1, Pace()) as scoring:
            bus.publish(STREAM, batch.slice(0, _WARM))
            _until(scoring, _WARM)
            for start in range(_WARM, len(batch), _ROOM):
                bus.publish(STREAM, batch.slice(start, start + _ROOM))

            def to_the_end() -> None:
                _until(scoring, len(batch))
                scoring.stop()

            return _rates(len(batch) - _WARM, to_the_end)


def _until(scoring: Worker, processed: int) -> None:
    while scoring.processed < processed:
        scoring.step()


def _latency(
    pair: Pair, body: bytes, rate: float, fed_s: float, settle_s: float, *, scored: bool
) -> Float64[np.ndarray, " n"]:
    """Ms from when each event was sent to when it was scored, or only read; the first ``settle_s`` are left out."""
    events = int(rate * (settle_s + fed_s))
    with streams.connect(pair.bus) as bus, stores.connect(pair.store) as store:
        bus.create(STREAM, 1)
        clocked = Clocked(bus)
        asked = [sys.executable, "-m", "snnlab.bench.serving_feed", pair.bus, STREAM, str(events), str(rate), "512"]
        with subprocess.Popen(asked) as feeding:  # noqa: S603 - our own command
            try:
                if scored:
                    with working(clocked, store, body, 1, Pace()) as scoring:
                        scoring.start()
                        _wait(scoring, events, feeding)
                else:
                    clocked.read(events)
            finally:
                feeding.kill()
    taken: Float64[np.ndarray, " n"] = np.concatenate(clocked.latencies)
    return taken[int(rate * settle_s) :]


def _wait(scoring: Worker, events: int, feeding: "subprocess.Popen[bytes]") -> None:
    while scoring.processed < events:
        time.sleep(0.05)
        if feeding.poll():
            raise RuntimeError(f"the publisher ended with code {feeding.returncode}")


class Clocked(Watched):
    """A bus that notes how long ago the events were sent of which a worker is done, as it asks for more."""

    def __init__(self, bus: Bus) -> None:
        super().__init__(bus)
        self.latencies: list[Float64[np.ndarray, " n"]] = []
        self._given: list[EventBatch] = []
        self._after: int | None = None

    def arrived(self, *given: Any) -> list[tuple[int, EventBatch]]:  # noqa: ANN401 - passed on
        """Events, as they came to the bus."""
        self._done()
        return self._noted(super().arrived(*given))

    def consume(self, stream: str, *given: Any) -> list[tuple[int, EventBatch]]:  # noqa: ANN401 - passed on
        """Events, as the bus has them."""
        found = self._bus.consume(stream, *given)
        return self._noted(found) if stream == STREAM else found

    def read(self, events: int) -> None:
        """Read so many events as a worker does, and do nothing with them."""
        after, pause = None, 0.002
        while events > 0 or self._given:
            found = self.arrived(STREAM, 0, after, Pace.batch)
            for position, batch in found:
                after, events = position, events - len(batch)
            if not found:
                time.sleep(pause)

    def _noted(self, found: list[tuple[int, EventBatch]]) -> list[tuple[int, EventBatch]]:
        self._given = [batch for _, batch in found]
        return found

    def _done(self) -> None:
        now = time.time_ns() / 1000
        self.latencies += [(now - batch.timestamps) / 1e3 for batch in self._given]
        self._given = []
