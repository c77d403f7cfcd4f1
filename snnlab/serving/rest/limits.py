"""How much a request may carry, counted as it arrives rather than believed, and how long it may take."""

import asyncio
from http import HTTPStatus

from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from snnlab.serving.problem import problem_of, respond

__all__ = ["BodyLimit", "Deadline", "Limits"]


class Limits(BaseModel):
    """Upper bounds of one request: bytes of its body, events in it, and seconds until its answer begins.

    The time is just below that of the server around (BentoML's is 2 s), so that the answer is a problem of ours.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    body_bytes: int = Field(default=16 * 2**20, gt=0)
    events: int = Field(default=10_000, gt=0)
    seconds: float = Field(default=1.9, gt=0)


class BodyLimit:
    """ASGI middleware that answers 413 to a body of more than ``limit`` bytes, announced or not."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its body counted."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > self._limit:
            response = respond(problem_of(self._refusal(), scope["path"]), {"Connection": "close"})
            await response(scope, receive, send)
            return
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._limit:
                raise self._refusal()
            return message

        await self._app(scope, counted, send)

    def _refusal(self) -> HTTPException:
        return HTTPException(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"the body has more than {self._limit} bytes; send the events in several requests, "
            "or publish them to a stream that the model is deployed to",
        )


class Deadline:
    """ASGI middleware that answers 504 when a request's answer has not begun within ``seconds``.

    Work that is under way on a thread runs to its end, unheard: a thread cannot be stopped from outside.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and stop listening to it when its time is over."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, late = asyncio.Event(), False

        async def heard(message: Message) -> None:
            if not late:
                begun.set()
                await send(message)

        work = asyncio.ensure_future(self._app(scope, receive, heard))
        waiting = asyncio.ensure_future(begun.wait())
        await asyncio.wait({work, waiting}, timeout=self._seconds, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if work.done() or begun.is_set():
            await work
            return
        late = True
        work.cancel()
        detail = f"no answer within {self._seconds:g} s; send fewer events in one request, or ask again in a while"
        problem = problem_of(HTTPException(HTTPStatus.GATEWAY_TIMEOUT, detail), scope["path"])
        await respond(problem)(scope, receive, send)
