"""Every error of the service as ``application/problem+json``.

The form is RFC 9457: ``type``, ``title``, ``status``, ``detail``, ``instance``, and for a request that does not
validate ``errors``, each with a JSON pointer to the value. ``detail`` is the message of the error: it names the
bad value, what is valid and the next step. What the server got wrong by itself is logged and not told.
"""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match

from snnlab.errors import (
    BusCorrupt,
    BusError,
    ConfigError,
    DataError,
    EventError,
    FeedbackRefused,
    JobLost,
    ModelError,
    ModelNotFound,
    NothingThere,
    OwnedElsewhere,
    PromotionRefused,
    SnnlabError,
    StoreError,
    TopicForbidden,
    UntrustedCode,
)
from snnlab.logs import logger

__all__ = ["MEDIA_TYPE", "Invalid", "Problem", "install", "problem_of", "respond"]

MEDIA_TYPE = "application/problem+json"
_SHOWN = 80  # characters of a bad value that are told back
_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
_TOLD = 20  # bad values of one request that are told back

_KINDS: tuple[tuple[type[SnnlabError], HTTPStatus, str, str], ...] = (
    (ModelNotFound, HTTPStatus.NOT_FOUND, "model-not-found", "No such model"),
    (NothingThere, HTTPStatus.NOT_FOUND, "not-found", "Not found"),
    (UntrustedCode, HTTPStatus.FORBIDDEN, "untrusted-code", "The model carries code that was not agreed to"),
    (TopicForbidden, HTTPStatus.FORBIDDEN, "topic-forbidden", "The stream may not be named"),
    (ModelError, HTTPStatus.INTERNAL_SERVER_ERROR, "damaged-model", "A stored model cannot be loaded"),
    (EventError, HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-events", "The events cannot be scored"),
    (DataError, HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-data", "The input cannot be scored"),
    (ConfigError, HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-configuration", "A setting cannot be used"),
    (FeedbackRefused, HTTPStatus.CONFLICT, "feedback-refused", "Nothing can learn from the label"),
    (PromotionRefused, HTTPStatus.CONFLICT, "promotion-refused", "The model did not pass the gate"),
    (OwnedElsewhere, HTTPStatus.SERVICE_UNAVAILABLE, "owned-elsewhere", "Another replica owns what was asked for"),
    (JobLost, HTTPStatus.SERVICE_UNAVAILABLE, "job-lost", "The job's replica ended before the job did"),
    (BusCorrupt, HTTPStatus.SERVICE_UNAVAILABLE, "bus-corrupt", "The event bus is damaged"),
    (BusError, HTTPStatus.SERVICE_UNAVAILABLE, "bus-unavailable", "The event bus did not do what was asked"),
    (StoreError, HTTPStatus.SERVICE_UNAVAILABLE, "store-unavailable", "The store did not do what was asked"),
)

# The names of these two differ between versions of Python; a problem's type must not.
_TITLES = {413: "Content too large", 422: "Unprocessable content"}
_ROUTING = {
    404: "there is nothing at {}; GET /openapi.json tells every route",
    405: "this method is not possible at {}; the Allow header names those that are",
}


class Invalid(BaseModel):
    """One value of a request that is not valid."""

    model_config = ConfigDict(frozen=True)

    pointer: str = Field(description="Where the value stands: a JSON pointer into the body, or the query parameter")
    detail: str = Field(description="What is wrong with it, the value itself, and what would be valid")


class Problem(BaseModel):
    """What went wrong, as RFC 9457 has it."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(description="Names the kind of problem", examples=["urn:snnlab:problem:invalid-events"])
    title: str = Field(description="The kind of problem in words; the same for every problem of its type")
    status: int = Field(description="The HTTP status")
    detail: str = Field(description="This problem: the bad value, what is valid, the next step")
    instance: str = Field(default="", description="The path that was asked for")
    errors: list[Invalid] = Field(default_factory=list, description="The values that are not valid, at most twenty")


def problem_of(error: Exception, instance: str = "") -> Problem:
    """The problem that tells of an error; an error that is not one of snnlab's own tells nothing of the inside.

    >>> problem_of(EventError("event 'a' has cpu = nan")).status
    422
    >>> problem_of(KeyError("secret")).detail
    'the service failed; its log tells why under this path and time'
    """
    for kind, status, name, title in _KINDS:
        if isinstance(error, kind):
            return _problem(status, name, title, str(error), instance)
    if isinstance(error, HTTPException):
        status = HTTPStatus(error.status_code)
        title = _TITLES.get(status, status.phrase)
        told = _ROUTING.get(status, "").format(instance) if error.detail == status.phrase else ""
        return _problem(status, title.lower().replace(" ", "-"), title, told or str(error.detail), instance)
    if isinstance(error, RequestValidationError):
        return _validation(error, instance)
    if isinstance(error, UnicodeEncodeError):  # JSON can write half a character, which no column and no store can hold
        detail = f"{error.object[:_SHOWN]!r} holds half a character (a lone surrogate); send text that is Unicode"
        return _problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-text", "The text is not Unicode", detail, instance)
    inside = "the service failed; its log tells why under this path and time"
    return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "The service failed", inside, instance)


def _problem(status: HTTPStatus, name: str, title: str, detail: str, instance: str) -> Problem:
    return Problem(type=f"urn:snnlab:problem:{name}", title=title, status=status, detail=detail, instance=instance)


def _validation(error: RequestValidationError, instance: str) -> Problem:
    found = error.errors()
    broken = any(part["type"] == "json_invalid" for part in found)
    errors = [_invalid(part) for part in found[:_TOLD]]
    more = f" (and {len(found) - _TOLD} more)" if len(found) > _TOLD else ""
    return Problem(
        type=f"urn:snnlab:problem:{'malformed-json' if broken else 'invalid-request'}",
        title="The body is not JSON" if broken else "The request is not valid",
        status=HTTPStatus.BAD_REQUEST if broken else HTTPStatus.UNPROCESSABLE_ENTITY,
        detail="; ".join(f"{part.pointer}: {part.detail}" for part in errors) + more,
        instance=instance,
        errors=errors,
    )


def _invalid(part: dict[str, Any]) -> Invalid:
    where, *path = part["loc"] or ("body",)
    escaped = "/".join(str(step).replace("~", "~0").replace("/", "~1") for step in path)
    pointer = f"#/{escaped}" if where == "body" else f"{where} {escaped}"
    message = str(part["msg"]).removeprefix("Value error, ")
    if part["type"] in {"missing", "json_invalid"}:
        context = part.get("ctx", {}).get("error", "")
        return Invalid(pointer=pointer, detail=f"{message} {context}".strip())
    told = repr(part.get("input"))
    shown = told if len(told) <= _SHOWN else f"{told[:_SHOWN]}…"
    return Invalid(pointer=pointer, detail=message if shown in message else f"{message}; got {shown}")


def respond(problem: Problem, headers: dict[str, str] | None = None) -> Response:
    """The HTTP response that carries a problem."""
    body = problem.model_dump_json(exclude_defaults=True)
    return Response(body, status_code=problem.status, media_type=MEDIA_TYPE, headers=headers)


def _methods(app: FastAPI, request: Request) -> list[str]:
    """The methods of all routes at a path: the router names those of the first one only."""
    asked = [(method, {**request.scope, "method": method}) for method in _METHODS]
    return [method for method, scope in asked if any(route.matches(scope)[0] is Match.FULL for route in app.routes)]


def install(app: FastAPI) -> None:
    """Let every error of ``app`` leave it as a problem."""

    async def handle(request: Request, error: Exception) -> Response:
        problem = problem_of(error, request.url.path)
        if problem.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            logger("snnlab.serving").error("request failed", path=request.url.path, exc_info=error)
        headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
        if problem.status == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = ", ".join(_methods(app, request))
        if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
            headers["Retry-After"] = "1"
        return respond(problem, headers)

    for kind in (SnnlabError, HTTPException, RequestValidationError, UnicodeEncodeError, Exception):
        app.add_exception_handler(kind, handle)
