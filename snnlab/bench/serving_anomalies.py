"""``GET /api/v1/anomalies`` with a million anomalies in the store, over HTTP on loopback, with many filters.

Anomalies are of 16 types, 10,000 entities, and four models that each work on a stream; severities are uniform. Every
filter takes its turn in each round, also those that match next to nothing, or nothing at all, and one round is thrown
away. The peer is an empty answer of the same server. ``slowest`` names a filter where a peer would stand.
"""

import http.client
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlencode

import numpy as np

from snnlab.bench.rows import Row
from snnlab.bench.timing import settled
from snnlab.events import Anomaly
from snnlab.serving.application import Application
from snnlab.stores import Store
from snnlab.streams import Bus

__all__ = ["fill", "run"]

BAR_MS = 50.0
_START, _STEP = 1_700_000_000_000_000, 1_000  # µs
_TYPES, _ENTITIES = 16, 10_000
_AT_ONCE, _THREADS = 2_000, 2


def run(store: Store, bus: Bus, name: str, *, count: int = 1_000_000, rounds: int = 20) -> list[Row]:
    """Percentiles over all filters, in ms, of a store that is filled first."""
    begun = time.perf_counter()
    fill(store, count)
    filled = time.perf_counter() - begun
    with _served(bus, store) as port, settled():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        paths = [f"/api/v1/anomalies?{urlencode(wanted)}" for wanted in filters(count)]
        for path in paths:
            _asked(connection, path)
        taken = np.array([[_asked(connection, path) for path in paths] for _ in range(rounds)]) * 1e3
        empty = np.array([_asked(connection, "/api/v1/models") for _ in range(rounds * 5)]) * 1e3
    worst = int(np.argmax(np.median(taken, axis=0)))
    beside = float(np.percentile(empty, 99))
    return [
        Row.of(name, float(np.percentile(taken, 99)), "ms", peer="GET /models", peer_value=beside, bar=BAR_MS,
               better="lower"),
        Row.of(f"{name}.p50", float(np.median(taken)), "ms", better="lower"),
        Row.of(f"{name}.slowest", float(np.median(taken[:, worst])), "ms", peer=paths[worst].partition("?")[2],
               better="lower"),
        Row.of(f"{name}.written", count / filled, "anomalies/s"),
    ]  # fmt: skip


def filters(count: int) -> list[Mapping[str, object]]:
    """What is asked for: each field alone, several together, times, pages of ten, and what there is nothing of."""
    middle, late = _START + count // 2 * _STEP, _START + (count - 1000) * _STEP
    return [
        {},
        {"limit": 10},
        *({"severity": severity} for severity in (0.5, 0.9, 0.99, 0.999, 0.99999)),
        {"type": "type_3"},
        {"entity": "entity-77"},
        {"model": "model-1"},
        {"stream": "stream-2"},
        {"since": late},
        {"since": middle, "until": middle + 1_000_000},
        {"until": middle, "severity": 0.99},
        {"stream": "stream-2", "type": "type_5"},
        {"stream": "stream-2", "severity": 0.99},
        {"stream": "stream-2", "severity": 0.9999},
        {"type": "type_5", "severity": 0.99},
        {"type": "type_5", "severity": 0.9999},
        {"entity": "entity-77", "type": "type_3", "severity": 0.9},
        {"model": "model-1", "stream": "stream-1", "type": "type_5", "severity": 0.9},
        {"model": "model-1", "stream": "stream-2"},
        {"type": "none"},
        {"stream": "none", "type": "type_5"},
    ]


def fill(store: Store, count: int) -> None:
    """Write so many anomalies, some thousands a call, from two threads."""
    with ThreadPoolExecutor(_THREADS) as threads:
        list(threads.map(lambda begin: store.put_anomalies(_some(begin, count)), range(0, count, _AT_ONCE)))


def _some(begin: int, count: int) -> list[Anomaly]:
    rng = np.random.default_rng(begin)
    kinds, entities, streams, severities = (
        rng.integers(0, _TYPES, _AT_ONCE).tolist(), rng.integers(0, _ENTITIES, _AT_ONCE).tolist(),
        rng.integers(0, 4, _AT_ONCE).tolist(), rng.random(_AT_ONCE).tolist(),
    )  # fmt: skip
    return [
        Anomaly(
            rng.bytes(16).hex(), _START + (begin + at) * _STEP, f"type_{kinds[at]}", severities[at],
            entity=f"entity-{entities[at]}", model=f"model-{streams[at]}", stream=f"stream-{streams[at]}",
            spike_pattern=(0.25,) * 16, contributing_events=(f"e{begin + at}",), recommended_actions=("look at it",),
            score=4.5, explanation="unusual f0 (9.1 sd), f3 (4.2 sd)",
        )
        for at in range(min(_AT_ONCE, count - begin))
    ]  # fmt: skip


@contextmanager
def _served(bus: Bus, store: Store) -> Iterator[int]:
    """The REST interface on a port of its own."""
    import uvicorn

    from snnlab.serving.rest import create_app

    app = create_app(Application(bus, store))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield int(server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(30)


def _asked(connection: http.client.HTTPConnection, path: str) -> float:
    """Seconds until the whole answer is here."""
    begun = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    taken = time.perf_counter() - begun
    if answer.status != 200:
        raise RuntimeError(f"GET {path} was answered with {answer.status}")
    return taken
