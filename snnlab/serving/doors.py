"""What is seen at the doors: a span around each call, and a line about each that was refused.

``Traced`` stands behind the guard, so that nobody without the key makes spans; ``Refusals`` before it, so that those
without the key are told of.
"""

from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from snnlab import tracing
from snnlab.serving.journal import refused

__all__ = ["Refusals", "Traced"]

_QUIET = frozenset({"/livez", "/readyz"})
_USUAL = 1001  # a socket that ends because its work is done, or because somebody goes


class Refusals:
    """ASGI middleware that writes one line about each request that is answered with a problem, without its body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on and look at its answer."""
        if scope["type"] not in {"http", "websocket"} or scope["path"] in _QUIET:
            await self._app(scope, receive, send)
            return
        what = f"{scope.get('method', 'GET')} {scope['path']}"

        async def looked_at(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] >= HTTPStatus.BAD_REQUEST:
                refused("rest", what, message["status"])
            elif message["type"] == "websocket.close" and message.get("code", 1000) > _USUAL:
                refused("websocket", what, message["code"])
            await send(message)

        await self._app(scope, receive, looked_at)


class Traced:
    """ASGI middleware that puts a span around each request and each socket, child of the caller's."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on within its span."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        method = scope.get("method", "GET")
        carrier = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        told: dict[str, tracing.Attribute] = {"http.request.method": method, "url.path": scope["path"]}
        with tracing.span(f"{method} {scope['type']}", told, kind="server", carrier=carrier) as span:

            async def looked_at(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.tell(**{"http.response.status_code": message["status"]})
                    if message["status"] >= HTTPStatus.INTERNAL_SERVER_ERROR:
                        span.fail(str(message["status"]))
                await send(message)

            try:
                await self._app(scope, receive, looked_at)
            finally:
                if route := getattr(scope.get("route"), "path", None):
                    span.rename(f"{method} {route}")
                    span.tell(**{"http.route": route})
