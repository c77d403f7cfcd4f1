"""The two WebSocket routes. Each is a source of messages; one loop sends them until the client goes or falls behind.

Anomalies are read from the anomaly topic of the bus, so that every replica of the service tells the same ones. Spikes
are those of the events that this process scores.
"""

import asyncio
import json
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from starlette.websockets import WebSocketState

from snnlab.errors import SnnlabError, TopicForbidden
from snnlab.serving.application import Application
from snnlab.serving.auth import SUBPROTOCOL
from snnlab.serving.websocket.limits import Seats, SocketLimits

__all__ = ["router"]

router = APIRouter()

_FORBIDDEN, _NOT_FOUND, _SLOW, _FAILED, _LATER = 4403, 4404, 1008, 1011, 1013
_POSITION, _LAST = re.compile(r"-1|[0-9]{1,19}"), 2**63 - 1
_LONGEST_REASON = 120  # bytes of a close frame's reason; the protocol has room for 123


@router.websocket("/ws/anomalies/{stream_id}")
async def anomalies(socket: WebSocket, stream_id: str) -> None:
    """Every anomaly told of a stream from now on, or after the position ``after``, as one JSON message each."""
    application: Application = socket.app.state.application
    try:
        after = await asyncio.to_thread(_begin, application, stream_id, socket.query_params.get("after"))
    except (SnnlabError, ValueError) as error:
        await _refuse(socket, _FORBIDDEN if isinstance(error, TopicForbidden) else _NOT_FOUND, str(error))
        return
    await _serve(socket, _anomalies(application, stream_id, after, socket.app.state.sockets))


@router.websocket("/ws/spikes/{model_id}")
async def spikes(socket: WebSocket, model_id: str) -> None:
    """Firing rates by population bucket of the events that a model sees from now on, a message a tenth of a second."""
    application: Application = socket.app.state.application
    try:
        application.model(model_id)
    except SnnlabError as error:
        await _refuse(socket, _NOT_FOUND, str(error))
        return
    await _serve(socket, _spikes(application, model_id, socket.app.state.sockets))


def _begin(application: Application, stream: str, after: str | None) -> int:
    """The position after which a client wants a stream's anomalies; without one, the last there is now."""
    application.topics.check(stream)
    if after is None:
        return application.bus.publish_anomalies(stream, [])
    if not _POSITION.fullmatch(after) or int(after) > _LAST:
        raise ValueError(f"after={after[:80]!r} is no position; give the 'position' of a message, or -1 for all")
    application.bus.stream(stream)
    return int(after)


async def _anomalies(
    application: Application, stream: str, after: int, limits: SocketLimits
) -> AsyncGenerator[str | None]:
    pause_s = limits.anomalies_s
    while True:
        place = None if after < 0 else after
        found = await asyncio.to_thread(application.bus.consume_anomalies, stream, place, limits.page)
        for position, anomaly in found:
            after = position
            yield json.dumps({"position": position, **anomaly.to_json()})
        if found:
            pause_s = limits.anomalies_s
            continue
        yield None
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, limits.idle_s)


async def _spikes(application: Application, model: str, limits: SocketLimits) -> AsyncGenerator[str | None]:
    watch = application.spikes.watch(model)
    try:
        while True:
            await asyncio.sleep(limits.spikes_s)
            for firing in watch.take():
                yield json.dumps(asdict(firing))
            yield None
    finally:
        application.spikes.leave(watch)


async def _serve(socket: WebSocket, messages: AsyncGenerator[str | None]) -> None:
    """Send until the client goes; one that takes no message for too long is dropped."""
    seats: Seats = socket.app.state.seats
    if not seats.take():
        await _refuse(socket, _LATER, "as many sockets are open as may be; close one, or try again later")
        return
    offered = socket.scope.get("subprotocols", [])
    try:
        await socket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
        gone = asyncio.ensure_future(_gone(socket))
        try:
            await _send(socket, messages, gone)
        finally:
            gone.cancel()
    finally:
        seats.leave()


async def _send(socket: WebSocket, messages: AsyncGenerator[str | None], gone: "asyncio.Future[None]") -> None:
    limits: SocketLimits = socket.app.state.sockets
    try:
        async with aclosing(messages):
            async for message in messages:
                if gone.done():
                    return
                if message is not None:
                    await asyncio.wait_for(socket.send_text(message), limits.send_s)
    except TimeoutError:
        await _close(socket, _SLOW, "messages were not taken in time; connect again with after=POSITION", limits.send_s)
    except SnnlabError as error:
        await _close(socket, _FAILED, str(error), limits.send_s)
    except (WebSocketDisconnect, RuntimeError):
        return  # it went while something was being sent


async def _gone(socket: WebSocket) -> None:
    """Returns when the client has gone; what it sends is not heard."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


async def _close(socket: WebSocket, code: int, reason: str, patience_s: float) -> None:
    try:
        await asyncio.wait_for(socket.close(code, reason[:_LONGEST_REASON]), patience_s)
    except (TimeoutError, RuntimeError):
        return  # the connection is full or gone; the server ends it when this call is over


async def _refuse(socket: WebSocket, code: int, reason: str) -> None:
    """Accept and close, so that the client is told why: a handshake that is refused says nothing to a browser."""
    offered = socket.scope.get("subprotocols", [])
    await socket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
    if socket.application_state == WebSocketState.CONNECTED:
        await _close(socket, code, reason, 5.0)
