"""Serving: how soon a built Bento is ready, its first event, and the latency of one event over REST and gRPC.

The peer of a start is importing BentoML alone; that of a score is an empty answer (``/healthz``) of the same server.
"""

import http.client
import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import numpy as np
from jaxtyping import Float64

from snnlab.bench import serving_grpc, serving_sockets
from snnlab.bench.rows import Row
from snnlab.bench.timing import Spread, each, in_turn, seconds
from snnlab.bench.workload import detector, stream
from snnlab.events import EventBatch

__all__ = ["NOTES", "run"]

START_BAR = 15.0
NOTES = (
    "One client on one kept-alive connection, on the same cores as the service: JSON over REST; over gRPC one "
    "stream, an event a message, or Arrow batches of 1,024 events sent without waiting."
)
_MODEL = "bench"
_STREAMED = 2_000  # single events a round over gRPC: of fewer, opening the stream is among the slowest in a hundred


def run(*, events: int = 1_000, rounds: int = 3, entities: int = 1_000) -> list[Row]:
    """Seconds until the service is ready, and percentiles of scoring one event, in ms."""
    from snnlab.serving.bento import NamedModel, build
    from snnlab.serving.run import BentoServer

    each_round = max(events // rounds, 1)
    posted = entities + (rounds + 1) * each_round + 1
    streamed = max(each_round, _STREAMED)
    batch = stream(posted + serving_grpc.needed(streamed, rounds), entities=entities)
    subject = detector(batch)
    subject.process(batch.slice(0, entities))
    body = subject.save()
    imported = seconds(
        partial(subprocess.run, [sys.executable, "-c", "import bentoml"], check=True, capture_output=True)
    )
    with TemporaryDirectory(prefix="snnlab-bench-") as place:
        home = Path(place)
        tag = build([NamedModel(_MODEL, body)], home=home)
        with BentoServer(tag, home=home) as server:
            start = Row.of(
                "serving.start_seconds",
                server.ready_s,
                "s",
                peer="import bentoml",
                peer_value=imported,
                bar=START_BAR,
                better="lower",
            )
            scores = _scores(server.url, batch, entities, each_round, rounds)
            later = batch.slice(posted, len(batch))
            messages = serving_grpc.rows(server.grpc, _MODEL, body, later, events=streamed, rounds=rounds)
            sockets = serving_sockets.rows(server.url, server.grpc, _MODEL, entities=entities, rounds=rounds)
            return [start, *scores, *messages, *sockets]


def _scores(url: str, batch: EventBatch, begin: int, events: int, rounds: int) -> list[Row]:
    client = _Client(url)
    first = each([partial(client.score, client.body(batch, begin))])[0, 0]
    score = partial(_round, client, batch, begin + 1, events)
    empty = partial(_empty, client, events)
    found = in_turn(rounds, score=score, empty=empty)
    rows = [
        Row.of(
            f"serving.score.{quantile}",
            Spread.of(found["score"][:, at]),
            "ms",
            peer="GET /healthz",
            peer_value=Spread.of(found["empty"][:, at]),
            better="lower",
        )
        for at, quantile in enumerate(("p50", "p99"))
    ]
    p50 = rows[0].figure.value
    return [Row.of("serving.score.first", first / 1e3, "ms", peer="p50", peer_value=p50, better="lower"), *rows]


def _round(client: "_Client", batch: EventBatch, begin: int, events: int, at: int) -> np.ndarray:
    bodies = [client.body(batch, begin + at * events + one) for one in range(events)]
    return _percentiles(each(partial(client.score, body) for body in bodies))


def _empty(client: "_Client", events: int, at: int) -> np.ndarray:
    del at
    return _percentiles(each(partial(client.asked, "GET", "/healthz") for _ in range(events)))


def _percentiles(taken: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, " 2"]:
    """Of wall time, in ms."""
    return np.asarray(np.percentile(taken[:, 0], [50, 99])) / 1e3


class _Client:
    """One kept-alive connection to a service."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._connection = http.client.HTTPConnection(place.hostname or "127.0.0.1", place.port, timeout=30)

    def asked(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """The body of an answer; raises RuntimeError where it is no success."""
        self._connection.request(method, path, body, {"content-type": "application/json"} if body else {})
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path} was answered with {answer.status}: {content[:200]!r}")
        return content

    def score(self, body: bytes) -> bytes:
        """Verdicts of events."""
        return self.asked("POST", f"/api/v1/models/{_MODEL}/score", body)

    @staticmethod
    def body(batch: EventBatch, at: int) -> bytes:
        """One event as JSON."""
        event = batch.slice(at, at + 1)
        one = {
            "event_id": event.event_ids[0],
            "timestamp": int(event.timestamps[0]),
            "features": event.values[0].tolist(),
            "metadata": {"entity": event.entities.words()[0]},
        }
        return json.dumps({"events": [one]}).encode()
