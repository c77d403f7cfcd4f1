"""The FastAPI application: its routes put together, its errors problems, its size limited and its door guarded."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.responses import RedirectResponse

import snnlab
from snnlab.serving.application import Application
from snnlab.serving.problem import MEDIA_TYPE, Problem, install
from snnlab.serving.rest import anomalies, jobs, metrics, models, patterns
from snnlab.serving.rest.limits import BodyLimit, Deadline, Limits

__all__ = ["create_app"]

_DESCRIPTION = """Anomaly detection on event streams with spiking neural networks.

Times are integers, µs since 1970 UTC. Every error is an `application/problem+json` (RFC 9457) whose `detail` names
the value that is wrong, what would be valid and the next step.
"""


def create_app(application: Application, limits: Limits | None = None) -> FastAPI:
    """The REST interface of ``application``."""
    limits = limits or Limits()
    app = FastAPI(
        title="Neuromorphic event processing",
        version=snnlab.__version__,
        description=_DESCRIPTION,
        responses=_problems(HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.UNAUTHORIZED, HTTPStatus.SERVICE_UNAVAILABLE),
    )
    app.state.application = application
    app.state.limits = limits
    for part in (models, anomalies, patterns, jobs, metrics):
        app.include_router(part.router)
    app.add_api_route("/", lambda: RedirectResponse("/docs"), include_in_schema=False)
    app.add_middleware(BodyLimit, limit=limits.body_bytes)
    app.add_middleware(Deadline, seconds=limits.seconds)
    install(app)
    return app


def _problems(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    content = {MEDIA_TYPE: {"schema": Problem.model_json_schema(ref_template="#/components/schemas/{model}")}}
    return {int(status): {"description": status.phrase, "content": content} for status in statuses}
