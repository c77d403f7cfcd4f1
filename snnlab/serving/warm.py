"""The first event as fast as the rest: kernels compiled and code run once, on copies that are thrown away."""

import json
from collections.abc import Iterable

import numpy as np
from starlette.types import ASGIApp, Message

from snnlab.detectors import Detector
from snnlab.events import EventBatch
from snnlab.serving.model import Model, columns_read
from snnlab.serving.rest.requests import Score

__all__ = ["example", "warm_door", "warm_up"]

_SIZES = (1, 64, 1, 1)
_UNTRACED = b"00-" + b"0" * 31 + b"1-" + b"0" * 15 + b"1-00"  # of a caller who samples nothing: no client asked for it


def warm_up(models: Iterable[tuple[bytes, bool]]) -> None:
    """Let a copy of each model score a few made-up events; ``models`` are bytes, and whether their code is agreed to.

    Raises ModelError for bytes that are no model.
    """
    for body, code in models:
        detector = Detector.load(body, trust_code=code)
        begun = 0
        for size in _SIZES:
            detector.process(example(detector, size, begun), learn=True)
            begun += size
        detector.save()


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


def example(detector: Detector, size: int, begun: int = 0) -> EventBatch:
    """``size`` made-up events that a detector can score, a second apart, counted from ``begun``."""
    names, categories = columns_read(detector.domain)
    count = np.arange(begun, begun + size)
    return EventBatch.from_columns(
        np.add.outer(count % 7, np.arange(len(names))).astype(np.float64),
        names,
        timestamps=count * 1_000_000,
        event_ids=[f"warm-{i}" for i in count.tolist()],
        categories={name: [f"{i % 3}" for i in count.tolist()] for name in categories},
    )
