"""What ``/openapi.json`` tells beside what the routes say of themselves: that a key is needed."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

__all__ = ["tell_of_the_key"]

_KEY = {
    "type": "http",
    "scheme": "bearer",
    "description": "The service's SNNLAB_API_KEY. A service that listens on loopback may have none, and asks for none.",
}


def tell_of_the_key(app: FastAPI) -> None:
    """Put the key into the application's OpenAPI document, for every route."""
    routes: Callable[[], dict[str, Any]] = app.openapi

    def whole() -> dict[str, Any]:
        told = routes()
        told.setdefault("components", {}).setdefault("securitySchemes", {})["key"] = _KEY
        told["security"] = [{"key": []}]
        return told

    app.openapi = whole  # type: ignore[method-assign]  # FastAPI's own way to extend its document
