"""The door that the server is given at once, and that leads to the service when it is ready.

BentoML imports a service twice, in the process that supervises and in the one that works; what stands behind the
door is imported by the one that works only.
"""

from http import HTTPStatus

from starlette.types import ASGIApp, Receive, Scope, Send

from snnlab.serving.problem import Problem, respond

__all__ = ["Door"]


class Door:
    """An ASGI application that answers 503 until it is opened to another one, and for every path from then on."""

    def __init__(self) -> None:
        self._behind: ASGIApp | None = None

    def open(self, app: ASGIApp) -> None:
        """Lead to ``app`` from now on."""
        self._behind = app

    def close(self) -> None:
        """Answer 503 again."""
        self._behind = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on; a socket that comes too early is closed."""
        if self._behind is not None:
            await self._behind(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1013, "reason": "the service is not ready"})
        elif scope["type"] == "http":
            problem = Problem(
                type="urn:snnlab:problem:not-ready",
                title="The service is not ready",
                status=HTTPStatus.SERVICE_UNAVAILABLE,
                detail="the service is starting or stopping; ask again when GET /readyz answers 200",
                instance=scope["path"],
            )
            await respond(problem, {"Retry-After": "1"})(scope, receive, send)
