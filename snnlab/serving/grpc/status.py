"""Every error as a gRPC status: the problem that REST would answer with, its detail as the message."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import grpc

from snnlab.errors import OwnedElsewhere
from snnlab.logs import logger
from snnlab.serving.journal import refused
from snnlab.serving.problem import problem_of

__all__ = ["code_of", "told"]

_CODES = {
    HTTPStatus.BAD_REQUEST: grpc.StatusCode.INVALID_ARGUMENT,
    HTTPStatus.UNAUTHORIZED: grpc.StatusCode.UNAUTHENTICATED,
    HTTPStatus.FORBIDDEN: grpc.StatusCode.PERMISSION_DENIED,
    HTTPStatus.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    HTTPStatus.CONFLICT: grpc.StatusCode.FAILED_PRECONDITION,
    HTTPStatus.UNPROCESSABLE_ENTITY: grpc.StatusCode.INVALID_ARGUMENT,
    HTTPStatus.SERVICE_UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
}
_AGAIN = (("retry-after", "1"),)  # seconds, as REST says it


def code_of(error: Exception) -> grpc.StatusCode:
    """The status of an error.

    >>> from snnlab.errors import EventError
    >>> code_of(EventError("event 'a' has cpu = nan")).name, code_of(KeyError("x")).name
    ('INVALID_ARGUMENT', 'INTERNAL')
    """
    return _CODES.get(HTTPStatus(problem_of(error).status), grpc.StatusCode.INTERNAL)


@asynccontextmanager
async def told(context: grpc.aio.ServicerContext) -> AsyncIterator[None]:
    """Ends the call with the status of what is raised within; what is no error of snnlab's is logged and not told."""
    try:
        yield
    except grpc.aio.AbortError:
        raise
    except Exception as error:  # noqa: BLE001 - every error is a status
        code, problem = code_of(error), problem_of(error)
        if code is grpc.StatusCode.INTERNAL:
            logger("snnlab.serving").error("call failed", exc_info=error)
        else:
            refused("grpc", problem.type, code.name)
        again = _AGAIN if isinstance(error, OwnedElsewhere) else ()
        await context.abort(code, problem.detail, again)
