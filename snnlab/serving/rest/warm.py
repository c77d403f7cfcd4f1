"""The first request as fast as the rest: the road from a request to its answer walked once."""

import json
from collections.abc import Iterable

from starlette.types import ASGIApp, Message

from snnlab.serving.model import Model
from snnlab.serving.rest.requests import Score

__all__ = ["warm_door"]

_UNTRACED = b"00-" + b"0" * 31 + b"1-" + b"0" * 15 + b"1-00"  # of a caller who samples nothing: no client asked for it


async def warm_door(app: ASGIApp, models: Iterable[Model]) -> None:
    """Send each model a request without events through ``app``, so that the road to it and back has been walked."""
    for model in models:
        events = [{"event_id": str(i), "timestamp": i, "features": [0.0] * len(model.features)} for i in range(3)]
        Score.model_validate({"events": events}).batch(model.features, model.categories)
        for _ in range(3):
            await _post(app, f"/api/v1/models/{model.model_id}/score", json.dumps({"events": []}).encode())


async def _post(app: ASGIApp, path: str, body: bytes) -> None:
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"traceparent", _UNTRACED),
        ],
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        del message

    await app(scope, receive, send)
