"""The Bento: snnlab's REST interface in one BentoML process, with the models of its own ``models`` folder.

One worker, because two would split the networks' state; scale by replicas. BentoML's own metrics label by raw path
and are off: ``GET /metrics`` is the service's own.
"""

import asyncio
from pathlib import Path

import bentoml

from snnlab.serving.auth import KeyGuard
from snnlab.serving.rest import create_app, guarded
from snnlab.serving.start import guard_from_environment, settle, start_application, stop_application
from snnlab.serving.warm import warm_door

guard = guard_from_environment()
app = create_app()


@bentoml.service(
    name="neuromorphic",
    workers=1,
    traffic={"timeout": 2},  # BentoML keeps every request's context alive for as long: longer makes it collect garbage
    http={"host": "127.0.0.1", "port": 3000},  # other addresses are asked for with --host, and need SNNLAB_API_KEY
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
)
@bentoml.asgi_app(guarded(app, guard), path="/")
class Neuromorphic:
    """Anomaly detection on event streams with spiking neural networks."""

    @bentoml.on_startup
    async def start(self) -> None:
        """Load and warm the models, and take up the streams they work on."""
        models = Path(__file__).parent / "models"
        application = await asyncio.to_thread(start_application, models)
        app.state.application = application
        await warm_door(app, application.models())
        settle()

    @bentoml.on_shutdown
    async def stop(self) -> None:
        """Keep what was learnt."""
        application, app.state.application = app.state.application, None
        if application is not None:
            await asyncio.to_thread(stop_application, application)


Neuromorphic.add_asgi_middleware(KeyGuard, guard=guard)  # BentoML's own routes, too
