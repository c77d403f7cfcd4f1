"""Publishes events to a stream at a steady pace, from a process of its own; each event's timestamp is when it is sent.

``python -m snnlab.bench.serving_feed BUS_URL STREAM EVENTS EVENTS_A_SECOND EVENTS_A_MESSAGE``
"""

import sys
import time

import numpy as np

from snnlab import streams
from snnlab.bench.workload import stream
from snnlab.events import EventBatch
from snnlab.streams import Bus

__all__ = ["feed"]

_SEED = 99


def feed(bus: Bus, name: str, events: int, rate: float, each: int) -> None:
    """Publish so many events; where the bus is slower than the pace, they are late, and their timestamps say so."""
    batch = stream(events, seed=_SEED)
    values, names, entities = batch.values, batch.names, np.array(batch.entities.words())
    begun = time.perf_counter()
    for start in range(0, events, each):
        time.sleep(max(begun + start / rate - time.perf_counter(), 0.0))
        some = slice(start, start + each)
        sent = time.time_ns() // 1000
        count = len(values[some])
        times = np.full(count, sent)
        ids = [f"fed-{start + at}" for at in range(count)]
        given = EventBatch.from_columns(
            values[some], names, timestamps=times, event_ids=ids, entities=entities[some].tolist()
        )
        bus.publish(name, given)


if __name__ == "__main__":
    with streams.connect(sys.argv[1]) as opened:
        feed(opened, sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5]))
