"""Requests for what another replica owns are sent on to it, once, and its answer is given as it is."""

from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, Response

from snnlab.errors import OwnedElsewhere
from snnlab.serving.application import Application
from snnlab.serving.peers import FORWARDED
from snnlab.serving.problem import problem_of, respond
from snnlab.serving.replica import Replica

if TYPE_CHECKING:
    import httpx

__all__ = ["Forwarding"]

_CARRIED = ("content-type", "traceparent", "tracestate", "accept")
_ANSWER_S = 10.0  # the owner says itself when a request takes too long
_RETURNED = ("content-type", "location", "retry-after")


class Forwarding:
    """Answers OwnedElsewhere for an application: what its owner says, or 503 with the time after which to ask again."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._client: httpx.AsyncClient | None = None

    def install(self, app: FastAPI) -> None:
        """Let the routes of ``app`` be answered so."""
        app.add_exception_handler(OwnedElsewhere, self._handle)  # type: ignore[arg-type]  # of this kind only

    async def close(self) -> None:
        """Let go of connections."""
        if self._client is not None:
            await self._client.aclose()

    async def _handle(self, request: Request, error: OwnedElsewhere) -> Response:
        owner = self._application.replica.peer(error.owner)
        if not owner.http or FORWARDED in request.headers:
            return _later(request, error)
        import httpx

        try:
            answer = await self._asked(request, owner)
        except httpx.HTTPError:
            answer = None
        if answer is None or answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
            self._application.disowned(error.model)
        if answer is None:
            return _later(request, error)
        headers = {name: answer.headers[name] for name in _RETURNED if name in answer.headers}
        return Response(answer.content, answer.status_code, headers)

    async def _asked(self, request: Request, owner: Replica) -> "httpx.Response":
        import httpx

        if self._client is None:
            self._client = httpx.AsyncClient(**self._application.peers.options(_ANSWER_S))
        query = f"?{request.url.query}" if request.url.query else ""
        path = request.scope.get("raw_path", request.url.path.encode()).decode("latin-1").partition("?")[0]
        headers = {name: request.headers[name] for name in _CARRIED if name in request.headers}
        return await self._client.request(
            request.method, f"{owner.http}{path}{query}", content=await request.body(), headers=headers
        )


def _later(request: Request, error: OwnedElsewhere) -> Response:
    return respond(problem_of(error, request.url.path), {"Retry-After": "1"})
