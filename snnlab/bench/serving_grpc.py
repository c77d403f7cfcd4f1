"""gRPC of a served Bento: the latency of one event on a stream, and the throughput of many events a message.

The peer of one event is a message without events on the same stream: what transport alone takes. That of a batch is
the same detector in this process, without any transport.
"""

import asyncio
from collections.abc import AsyncIterator
from time import perf_counter
from typing import Any

import numpy as np
from jaxtyping import Float64

from snnlab.bench.rows import Row
from snnlab.bench.timing import Spread, settled
from snnlab.detectors import Detector
from snnlab.events import EventBatch
from snnlab.events.arrow import encode_events

__all__ = ["A_MESSAGE", "MESSAGES", "METHOD", "P99_BAR_MS", "RATE_BAR", "event_of", "needed", "rows"]

P99_BAR_MS = 1.0
RATE_BAR = 100_000.0
A_MESSAGE = 1_024
MESSAGES = 32  # a round
METHOD = "/snnlab.neuromorphic.v1.NeuromorphicService/StreamProcess"


def needed(events: int, rounds: int) -> int:
    """Events that ``rows`` takes from its batch."""
    return (rounds + 1) * (events + MESSAGES * A_MESSAGE)


def rows(address: str, model: str, body: bytes, batch: EventBatch, *, events: int, rounds: int) -> list[Row]:
    """Percentiles of one event in ms and events a second of full messages; ``body`` is the served model."""
    single, empty, rate = asyncio.run(_measured(address, model, batch, events, rounds))
    alone = _alone(Detector.load(body), batch.slice(events * (rounds + 1), len(batch)), rounds)
    told = [
        Row.of(
            f"serving.grpc.{quantile}",
            Spread.of(single[:, at]),
            "ms",
            peer="a message without events",
            peer_value=Spread.of(empty[:, at]),
            bar=P99_BAR_MS if quantile == "p99" else None,
            better="lower",
        )
        for at, quantile in enumerate(("p50", "p99"))
    ]
    many = Row.of(
        "serving.grpc.batch",
        Spread.of(rate),
        "events/s",
        peer="the detector in this process",
        peer_value=Spread.of(alone),
        bar=RATE_BAR,
    )
    return [*told, many]


async def _measured(
    address: str, model: str, batch: EventBatch, events: int, rounds: int
) -> tuple[Float64[np.ndarray, "r 2"], Float64[np.ndarray, "r 2"], Float64[np.ndarray, " r"]]:
    """By round, the first of which is thrown away: percentiles of one event and of none in ms, and events a second."""
    import grpc

    from snnlab.serving.grpc.neuromorphic_pb2 import AnomalyResponse, EventRequest, Events

    single, empty, rate = [], [], []
    begin = (rounds + 1) * events
    async with grpc.aio.insecure_channel(address) as channel:
        call = channel.stream_stream(METHOD, EventRequest.SerializeToString, AnomalyResponse.FromString)
        for at in range(rounds + 1):
            ones = [EventRequest(model_id=model, event=event_of(batch, at * events + one)) for one in range(events)]
            single.append(await _in_turn(call, ones))
            empty.append(await _in_turn(call, [EventRequest(model_id=model, events=Events())] * events))
        for at in range(rounds + 1):
            starts = [begin + (at * MESSAGES + one) * A_MESSAGE for one in range(MESSAGES)]
            parts = [batch.slice(start, start + A_MESSAGE) for start in starts]
            full = [EventRequest(model_id=model, arrow=encode_events(part)) for part in parts]
            rate.append(await _at_full_speed(call, full))
    return np.stack(single[1:]), np.stack(empty[1:]), np.array(rate[1:])


def event_of(batch: EventBatch, at: int) -> dict[str, Any]:
    """One event of a batch, as a message has it."""
    one = batch.slice(at, at + 1)
    return {
        "event_id": one.event_ids[0],
        "timestamp": int(one.timestamps[0]),
        "features": one.values[0].tolist(),
        "metadata": {"entity": one.entities.words()[0]},
    }


async def _in_turn(call: Any, requests: list[Any]) -> Float64[np.ndarray, " 2"]:  # noqa: ANN401 - gRPC has no types
    """Percentiles 50 and 99 in ms of a message and its answer, one after the other on one stream."""
    stream, taken = call(), []
    with settled():
        for request in requests:
            begun = perf_counter()
            await stream.write(request)
            await stream.read()
            taken.append(perf_counter() - begun)
    await stream.done_writing()
    return np.asarray(np.percentile(taken, [50, 99])) * 1e3


async def _at_full_speed(call: Any, requests: list[Any]) -> float:  # noqa: ANN401
    """Events a second, from the first message sent until the last answer has come."""

    async def sent() -> AsyncIterator[Any]:
        for request in requests:
            yield request

    begun, events = perf_counter(), 0
    async for answer in call(sent()):
        events += len(answer.score)
    return events / (perf_counter() - begun)


def _alone(detector: Detector, batch: EventBatch, rounds: int) -> Float64[np.ndarray, " r"]:
    taken = []
    for at in range(rounds + 1):
        begun = perf_counter()
        for one in range(MESSAGES):
            start = (at * MESSAGES + one) * A_MESSAGE
            detector.process(batch.slice(start, start + A_MESSAGE))
        taken.append(perf_counter() - begun)
    return MESSAGES * A_MESSAGE / np.array(taken[1:])
