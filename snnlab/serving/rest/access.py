"""What every route is given: the application, and the limits of a request."""

from typing import Annotated, Any

from fastapi import Depends, Request

from snnlab.serving.application import Application
from snnlab.serving.problem import MEDIA_TYPE, Problem
from snnlab.serving.rest.limits import Limits

__all__ = ["App", "RequestLimits", "problems"]


async def _application(request: Request) -> Application:  # FastAPI calls what is not async on a thread, each by itself
    application: Application = request.app.state.application
    return application


async def _limits(request: Request) -> Limits:
    limits: Limits = request.app.state.limits
    return limits


App = Annotated[Application, Depends(_application)]
RequestLimits = Annotated[Limits, Depends(_limits)]


def problems(**told: str) -> dict[int | str, dict[str, Any]]:
    """Problems that a route may answer with, for its documentation: ``problems(_404="No such model")``."""
    content = {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}}
    return {int(status[1:]): {"description": why, "content": content} for status, why in told.items()}
