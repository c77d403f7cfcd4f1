"""The longest pause of a stream while checkpoints of 10,000 changed entities are written beside it.

A pause is the time between two rounds of a worker that always finds events waiting: a batch scored, a checkpoint begun
or acknowledged. The peer is the longest pause of the same worker without checkpoints. ``….written`` counts the
checkpoints. On a machine that does other things beside, read the processor time of the scoring thread.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from jaxtyping import Float64

from snnlab.bench.rows import Row
from snnlab.bench.serving_worker import STREAM, Watched, working
from snnlab.bench.timing import settled
from snnlab.bench.workload import STEP_US, detector, stream
from snnlab.events import EventBatch
from snnlab.serving.assignment import Pace
from snnlab.stores import Store, connect
from snnlab.streams import Bus
from snnlab.streams.sqlite import SqliteBus

__all__ = ["run"]

BAR_MS = 50.0
_BATCH = 500
_ENTITIES = 10_000
_WARM = 10  # rounds that load what is compiled


def run(
    store_url: str | None = None, *, name: str = "serving.checkpoint.pause", cycles: int = 100, every_s: float = 0.25
) -> list[Row]:
    """The longest pause, in ms, over checkpoints after each of which all of 10,000 entities come again."""
    with TemporaryDirectory(prefix="snnlab-bench-") as place, SqliteBus(Path(place) / "bus.db") as bus:
        body = _fill(bus, cycles)
        with connect(store_url or f"sqlite:///{Path(place) / 'store.db'}") as store:
            without, _ = _pauses(bus, store, body, "without", Pace(batch=_BATCH, checkpoint_s=1e6))
            beside, written = _pauses(bus, store, body, "beside", Pace(batch=_BATCH, checkpoint_s=every_s, share=0.9))
    if not written:
        raise RuntimeError(f"no checkpoint was due in {cycles} cycles, so there is no pause to tell; ask for more")
    rows = [Row.of(f"{name}.written", written, "checkpoints")]
    for at, (kind, bar) in enumerate({name: BAR_MS, f"{name}.processor": None}.items()):
        value, other = float(beside[:, at].max()), float(without[:, at].max())
        peer = "without checkpoints"
        rows.append(Row.of(kind, value, "ms", peer=peer, peer_value=other, bar=bar, better="lower"))
    p99 = (float(np.percentile(taken[:, 0], 99)) for taken in (beside, without))
    rows.append(Row.of(f"{name}.p99", next(p99), "ms", peer=peer, peer_value=next(p99), better="lower"))
    return rows


def _fill(bus: Bus, cycles: int) -> bytes:
    """Publish events in which every entity comes once in each cycle; returns the file of a model that knows them."""
    once = stream(_ENTITIES)
    subject = detector(once)
    subject.process(once)
    bus.create(STREAM, 1)
    for cycle in range(cycles):
        bus.publish(STREAM, _later(stream(_ENTITIES, seed=cycle + 1), cycle + 1))
    return subject.save()


def _later(batch: EventBatch, cycle: int) -> EventBatch:
    return EventBatch.from_columns(
        batch.values,
        batch.names,
        timestamps=batch.timestamps + cycle * _ENTITIES * STEP_US,
        event_ids=[f"{cycle}-{at}" for at in range(len(batch))],
        entities=batch.entities.words(),
    )


def _pauses(bus: Bus, store: Store, body: bytes, model: str, pace: Pace) -> tuple[Float64[np.ndarray, "n 2"], int]:
    """Milliseconds between the rounds of a worker, of wall and of its thread's processor time; and its checkpoints."""
    watched = Watched(bus)
    with working(watched, store, body, 1, pace, model) as scoring:
        with settled():
            while scoring.step():
                pass
        written = watched.acknowledged  # the one of the end, which nothing waits for, is not among them
    return np.diff(np.array(watched.asked), axis=0)[_WARM:] * 1e3, written
