"""The Bento: snnlab over REST, WebSocket and gRPC in one BentoML process, with the models of its own ``models`` folder.

One worker, because two would split the networks' state; scale by replicas. BentoML's own metrics label by raw path
and are off: ``GET /metrics`` is the service's own.
"""

from pathlib import Path

import bentoml

from snnlab import logs
from snnlab.serving.auth import KeyGuard, guard_from_environment
from snnlab.serving.door import Door
from snnlab.serving.doors import Refusals

logs.configure()  # this file is the entry point of the processes that import it
door = Door()


@bentoml.service(
    name="neuromorphic",
    workers=1,
    traffic={"timeout": 2},  # BentoML keeps every request's context alive for as long: longer makes it collect garbage
    http={"host": "127.0.0.1", "port": 3000},  # other addresses are asked for with --host, and need SNNLAB_API_KEY
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
    tracing={"excluded_urls": ".*"},  # our own spans lead through the bus; BentoML's cost half of a socket's message
)
@bentoml.asgi_app(door, path="/")
class Neuromorphic:
    """Anomaly detection on event streams with spiking neural networks."""

    @bentoml.on_startup
    async def start(self) -> None:
        """Load and warm the models, take up the streams they work on, and open the door."""
        from snnlab.serving.start import Service

        self.service = await Service.start(Path(__file__).parent / "models")
        door.open(self.service.app)

    @bentoml.on_shutdown
    async def stop(self) -> None:
        """Close the door, and keep what was learnt."""
        door.close()
        await self.service.stop()


Neuromorphic.add_asgi_middleware(Refusals)
Neuromorphic.add_asgi_middleware(KeyGuard, guard=guard_from_environment())  # before BentoML's own routes, too
