"""Throughput: Arrow IPC bytes in, one verdict an event out, learning on.

``throughput.verdicts.<neurons>`` runs two shards on two threads, ``….one_shard`` one; ``….cpu_second`` is what two
shards do in a second of processor time (twice that is what two cores would do that had nothing else to do);
``….own_past`` also measures each column against its entity's own past, as the domain does by default for entities:
sixteen features of eight columns.
``throughput.events_per_tick.<neurons>`` is the same stream where 100 events share a tick of a network in real time.
"""

from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter, process_time

import numpy as np

from snnlab.bench.peers import trees
from snnlab.bench.rows import Row
from snnlab.bench.timing import Spread, in_turn, settled
from snnlab.bench.workload import detector, stream
from snnlab.detectors import Detector
from snnlab.domains import domain
from snnlab.events import EventBatch
from snnlab.events.arrow import decode_events, encode_events
from snnlab.features import Clock

__all__ = ["NOTES", "run"]

BAR = 250_000.0
TICK_BAR = 1e6
"""Where 100 events share a tick."""

NOTES = (
    "Events a second: bytes decoded and checked, scored and learnt from. Every entity is known before the first round. "
    "The peer scores and learns one event at a time, on one thread, without decoding."
)
_PEER_EVENTS = 1_000


def run(
    neurons: Sequence[int] = (256,),
    *,
    events: int = 200_000,
    entities: int = 10_000,
    batch: int = 4_096,
    rounds: int = 5,
) -> list[Row]:
    """Verdicts a second; each round takes ``events`` events in batches of ``batch``."""
    return [row for size in neurons for row in _rows(size, events, entities, batch, rounds)]


def _rows(neurons: int, events: int, entities: int, batch: int, rounds: int) -> list[Row]:
    whole = stream(entities + (rounds + 1) * events, entities=entities)
    together = stream(entities + (rounds + 1) * events, entities=entities, step_us=10)
    realtime = domain("performance").model_copy(update={"clock": Clock.realtime(together=True)})
    make = partial(detector, neurons=neurons, changes={"performance.batch_size": batch})
    subjects = {
        "two": _Feed(make(whole, shards=2), whole, entities, events, batch),
        "one": _Feed(make(whole), whole, entities, events, batch),
        "past": _Feed(make(whole, shards=2, own_past=True), whole, entities, events, batch),
        "tick": _Feed(make(together, shards=2, name=realtime), together, entities, events, batch),
    }
    with settled():
        found = in_turn(rounds, **{name: feed.rate for name, feed in subjects.items()}, trees=_trees_rate(whole))
    peer = Spread.of(found["trees"])
    two = Spread.of(found["two"][:, 0])
    return [
        Row.of(f"throughput.verdicts.{neurons}", two, "events/s", peer=trees.NAME, peer_value=peer, bar=BAR),
        *(
            Row.of(
                f"throughput.verdicts.{neurons}.{name}", Spread.of(values), "events/s", peer=trees.NAME, peer_value=peer
            )
            for name, values in (
                ("cpu_second", found["two"][:, 1]),
                ("one_shard", found["one"][:, 0]),
                ("own_past", found["past"][:, 0]),
            )
        ),
        Row.of(
            f"throughput.events_per_tick.{neurons}",
            Spread.of(found["tick"][:, 0]),
            "events/s",
            peer="one event a tick",
            peer_value=two,
            bar=TICK_BAR,
        ),
    ]


class _Feed:
    """A detector that knows every entity, and the rest of its stream as bytes, one part a round."""

    def __init__(self, subject: Detector, whole: EventBatch, known: int, events: int, batch: int) -> None:
        self.subject, self.whole = subject, whole
        self.known, self.events, self.batch = known, events, batch
        subject.process(whole.slice(0, known))

    def rate(self, at: int) -> np.ndarray:
        """Events a second of one round: by the clock, and by the processor time of all threads."""
        begin = self.known + at * self.events
        starts = range(begin, begin + self.events, self.batch)
        stop = begin + self.events
        content = [encode_events(self.whole.slice(start, min(start + self.batch, stop))) for start in starts]
        worked, begun = process_time(), perf_counter()
        for _ in self.subject.flow(decode_events(part) for part in content):
            pass
        ended = perf_counter()
        return np.array([self.events / (ended - begun), self.events / (process_time() - worked)])


def _trees_rate(whole: EventBatch) -> Callable[[int], np.ndarray]:
    score = trees.half_space_trees()
    values = whole.values[:_PEER_EVENTS].tolist()
    events = [dict(zip(whole.names, row, strict=True)) for row in values]

    def rate(at: int) -> np.ndarray:
        del at
        begun = perf_counter()
        for event in events:
            score(event)
        return np.array([len(events) / (perf_counter() - begun)])

    return rate
