"""The two WebSocket routes. Each is a source of messages, and tells at every replica the same."""

import asyncio

from fastapi import APIRouter, WebSocket

from snnlab.errors import SnnlabError, TopicForbidden
from snnlab.serving.application import Application
from snnlab.serving.websocket.anomalies import anomalies_after, begin
from snnlab.serving.websocket.sending import FORBIDDEN, NOT_FOUND, refuse, serve
from snnlab.serving.websocket.spikes import spikes_of

__all__ = ["router"]

router = APIRouter()


@router.websocket("/ws/anomalies/{stream_id}")
async def anomalies(socket: WebSocket, stream_id: str) -> None:
    """Every anomaly told of a stream from now on, or after the position ``after``, as one JSON message each."""
    application: Application = socket.app.state.application
    try:
        after = await asyncio.to_thread(begin, application, stream_id, socket.query_params.get("after"))
    except (SnnlabError, ValueError) as error:
        await refuse(socket, FORBIDDEN if isinstance(error, TopicForbidden) else NOT_FOUND, str(error))
        return
    await serve(socket, anomalies_after(application, stream_id, after, socket.app.state.sockets))


@router.websocket("/ws/spikes/{model_id}")
async def spikes(socket: WebSocket, model_id: str) -> None:
    """Firing rates by population bucket of the events that a model sees from now on, whichever replica scores them."""
    application: Application = socket.app.state.application
    try:
        await asyncio.to_thread(application.card, model_id)
    except SnnlabError as error:
        await refuse(socket, NOT_FOUND, str(error))
        return
    await serve(socket, spikes_of(application, model_id, socket.app.state.sockets))
