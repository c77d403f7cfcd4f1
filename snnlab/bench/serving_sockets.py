"""From an event in over gRPC to its anomaly out of a WebSocket, at one served Bento.

The peer is the same event's verdict back over gRPC: what the road by way of the bus takes longer.
"""

import asyncio
import json
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from jaxtyping import Float64

from snnlab.bench.rows import Row
from snnlab.bench.serving_grpc import METHOD, event_of
from snnlab.bench.timing import Spread, settled
from snnlab.bench.websocket import WebSocketClient
from snnlab.bench.workload import stream
from snnlab.events import EventBatch

__all__ = ["HOUR_US", "P99_BAR_MS", "rows"]

P99_BAR_MS = 2.0
HOUR_US = 3_600_000_000
_STREAM = "bench-anomalies"
_OUTSIDE_EVERY = 20  # events: one in so many is far outside, and half of those are told
_PATIENCE_S = 30.0


def rows(
    url: str, address: str, model: str, *, entities: int, rounds: int, events: int = 12_000, later_us: int = HOUR_US
) -> list[Row]:
    """Percentiles in ms of an event sent until its anomaly is received.

    The events are those of the workload again, ``later_us`` after it began, which is later than what was sent before.
    """
    batch = with_outliers(stream((rounds + 1) * events, entities=entities), later_us)
    told, verdicts = asyncio.run(_measured(url, address, model, batch, events))
    return [
        Row.of(
            f"serving.grpc_to_ws.{quantile}",
            Spread.of(told[:, at]),
            "ms",
            peer="the same events' verdicts",
            peer_value=Spread.of(verdicts[:, at]),
            bar=P99_BAR_MS if quantile == "p99" else None,
            better="lower",
        )
        for at, quantile in enumerate(("p50", "p99"))
    ]


def with_outliers(batch: EventBatch, later_us: int) -> EventBatch:
    """The batch some time later, with one event in twenty far outside, each by another amount."""
    values = batch.values.copy()
    at = np.arange(0, len(batch), _OUTSIDE_EVERY)
    values[at] = values[at] * 50.0 + 1_000.0 * (1 + np.arange(len(at)) % 7)[:, None]
    return EventBatch.from_columns(
        values,
        batch.names,
        timestamps=batch.timestamps + later_us,
        event_ids=[f"later-{one}" for one in batch.event_ids],
        entities=batch.entities.words(),
    )


async def _measured(
    url: str, address: str, model: str, batch: EventBatch, events: int
) -> tuple[Float64[np.ndarray, "r 2"], Float64[np.ndarray, "r 2"]]:
    """By round, the first of which is thrown away: percentiles of anomalies and of verdicts in ms."""
    import grpc

    from snnlab.serving.grpc.neuromorphic_pb2 import AnomalyResponse, EventRequest

    place = urlsplit(url)
    told, verdicts = [], []
    async with grpc.aio.insecure_channel(address) as channel:
        call = channel.stream_stream(METHOD, EventRequest.SerializeToString, AnomalyResponse.FromString)()
        await call.write(EventRequest(model_id=model, stream_id=_STREAM, events={}))  # the stream is made
        await call.read()
        path = f"/ws/anomalies/{_STREAM}"
        async with await WebSocketClient.open(place.hostname or "127.0.0.1", place.port or 80, path) as socket:
            received: dict[str, asyncio.Future[float]] = {}
            hearing = asyncio.ensure_future(_hear(socket, received))
            for begin in range(0, len(batch), events):
                ones = [
                    EventRequest(model_id=model, stream_id=_STREAM, event=event_of(batch, begin + one))
                    for one in range(events)
                ]
                out, back = await _in_turn(call, ones, received)
                told.append(np.percentile(out, [50, 99]) * 1e3)
                verdicts.append(np.percentile(back, [50, 99]) * 1e3)
            hearing.cancel()
        await call.done_writing()
    return np.stack(told[1:]), np.stack(verdicts[1:])


async def _hear(socket: WebSocketClient, received: "dict[str, asyncio.Future[float]]") -> None:
    """Note when the anomaly of an event came."""
    while True:
        message = await socket.receive()
        now = perf_counter()
        event = json.loads(message)["contributing_events"][0]
        _coming(received, event).set_result(now)


def _coming(received: "dict[str, asyncio.Future[float]]", event: str) -> "asyncio.Future[float]":
    return received.setdefault(event, asyncio.get_running_loop().create_future())


async def _in_turn(
    call: Any,  # noqa: ANN401 - gRPC has no types
    requests: list[Any],
    received: "dict[str, asyncio.Future[float]]",
) -> tuple[list[float], list[float]]:
    """Seconds from each told event to its anomaly, and to its verdict."""
    out, back = [], []
    with settled():
        for request in requests:
            begun = perf_counter()
            await call.write(request)
            answer = await call.read()
            answered = perf_counter()
            if any(finding.anomaly_id for finding in answer.findings):
                came = await asyncio.wait_for(_coming(received, request.event.event_id), _PATIENCE_S)
                out.append(came - begun)
                back.append(answered - begun)
    return out, back
