"""One loop sends a source's messages to a socket until the client goes or falls behind."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi import WebSocket, WebSocketDisconnect
from starlette.websockets import WebSocketState

from snnlab.errors import SnnlabError
from snnlab.serving.auth import SUBPROTOCOL
from snnlab.serving.websocket.limits import Seats, SocketLimits

__all__ = ["FORBIDDEN", "NOT_FOUND", "refuse", "serve"]

FORBIDDEN = 4403
"""Closes a socket that asks for what it may not have."""

NOT_FOUND = 4404
"""Closes a socket that asks for what is not there."""

_SLOW, _FAILED, _LATER = 1008, 1011, 1013
_LONGEST_REASON = 120  # bytes of a close frame's reason; the protocol has room for 123


async def serve(socket: WebSocket, messages: AsyncGenerator[str | None]) -> None:
    """Send until the client goes; one that takes no message for too long is dropped."""
    seats: Seats = socket.app.state.seats
    if not seats.take():
        await refuse(socket, _LATER, "as many sockets are open as may be; close one, or try again later")
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
                    async with asyncio.timeout(limits.send_s):  # wait_for would make a task of each message
                        await socket.send_text(message)
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


async def refuse(socket: WebSocket, code: int, reason: str) -> None:
    """Accept and close, so that the client is told why: a handshake that is refused says nothing to a browser."""
    offered = socket.scope.get("subprotocols", [])
    await socket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
    if socket.application_state == WebSocketState.CONNECTED:
        await _close(socket, code, reason, 5.0)
