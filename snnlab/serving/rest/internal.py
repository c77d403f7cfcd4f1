"""What replicas ask each other: of this one only, so that nobody asks in a circle. The key is needed as elsewhere."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import StreamingResponse

from snnlab.serving.application import Application
from snnlab.serving.metrics import Snapshot
from snnlab.serving.rest.access import App
from snnlab.serving.websocket.limits import Seats

__all__ = ["router"]

router = APIRouter(prefix="/internal", include_in_schema=False)

_ALIVE_S = 1.0  # an empty line as often, so that both ends notice when the other is gone


@router.get("/models")
def models(app: App) -> list[dict[str, Any]]:
    """The models that this replica owns."""
    return [asdict(model.card) for model in app.held()]


@router.get("/models/{model_id}")
def one(model_id: str, app: App) -> dict[str, Any]:
    """A model that this replica owns."""
    model = app.at_hand(model_id)
    if model is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"model {model_id!r} is not this replica's; ask its owner")
    return asdict(model.card)


@router.get("/metrics")
def metrics(app: App) -> Snapshot:
    """What this replica measured."""
    return app.metrics.snapshot()


@router.get("/spikes/{model_id}")
async def spikes(model_id: str, app: App, request: Request) -> StreamingResponse:
    """How a model fires at the events that this replica scores: a line of JSON a sum, until the caller goes."""
    return StreamingResponse(_lines(app, model_id, request), media_type="application/x-ndjson")


async def _lines(app: Application, model_id: str, request: Request) -> AsyncIterator[str]:
    seats: Seats = request.app.state.peers_seats
    if not seats.take():
        return  # as many listen as may; a replica comes again
    watch = app.spikes.watch(model_id)
    every_s = app.spikes.every_s / 2
    quiet_s = _ALIVE_S
    try:
        while not await request.is_disconnected():
            app.spikes.pulse(model_id)
            found = watch.take()
            if found:
                yield "".join(json.dumps(asdict(firing)) + "\n" for firing in found)
            quiet_s = 0.0 if found else quiet_s + every_s
            if quiet_s >= _ALIVE_S:
                quiet_s = 0.0
                yield "\n"
            await asyncio.sleep(every_s)
    finally:
        app.spikes.leave(watch)
        seats.leave()
