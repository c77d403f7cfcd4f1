"""The FastAPI application: its routes put together, its errors problems, its size limited and its door guarded."""

from fastapi import FastAPI

import snnlab
from snnlab import tracing
from snnlab.serving.application import Application
from snnlab.serving.doors import Traced
from snnlab.serving.page import router as page
from snnlab.serving.problem import install
from snnlab.serving.rest import anomalies, deployments, internal, jobs, metrics, models, patterns
from snnlab.serving.rest.access import problems
from snnlab.serving.rest.forwarding import Forwarding
from snnlab.serving.rest.limits import BodyLimit, Deadline, Limits
from snnlab.serving.rest.openapi import tell_of_the_key
from snnlab.serving.websocket import SocketLimits
from snnlab.serving.websocket import router as websocket
from snnlab.serving.websocket.limits import Seats

__all__ = ["create_app"]

_DESCRIPTION = """Anomaly detection on event streams with spiking neural networks.

Times are integers, µs since 1970 UTC. Every error is an `application/problem+json` (RFC 9457) whose `detail` names
the value that is wrong, what would be valid and the next step.
"""


def create_app(application: Application, limits: Limits | None = None, sockets: SocketLimits | None = None) -> FastAPI:
    """The REST interface of ``application``, and its WebSockets beside it."""
    limits = limits or Limits()
    app = FastAPI(
        title="Neuromorphic event processing",
        version=snnlab.__version__,
        description=_DESCRIPTION,
        docs_url=None,  # FastAPI's pages load their scripts from elsewhere; ours is in serving/page
        redoc_url=None,
        responses=problems(
            _400="The body is not JSON",
            _401="A key is needed",
            _413="The body is too large",
            _422="The request is not valid, or its events cannot be scored",
            _503="The bus, the store, or the replica that owns the model does not answer",
            _504="No answer in time",
        ),
    )
    app.state.application = application
    app.state.limits = limits
    app.state.sockets = sockets or SocketLimits()
    app.state.seats = Seats(app.state.sockets.sockets)
    app.state.peers_seats = Seats(app.state.sockets.sockets * 16)
    app.state.forwarding = Forwarding(application)
    for part in (models, deployments, anomalies, patterns, jobs, metrics, internal):
        app.include_router(part.router)
    app.include_router(websocket)
    app.include_router(page)
    app.add_middleware(BodyLimit, limit=limits.body_bytes)
    app.add_middleware(Deadline, seconds=limits.seconds)
    if tracing.enabled():
        app.add_middleware(Traced)
    install(app)
    app.state.forwarding.install(app)
    tell_of_the_key(app)
    return app
