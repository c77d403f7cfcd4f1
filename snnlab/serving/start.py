"""What the served Bento does at its start and end: settings read, models loaded and warm, memory settled."""

import asyncio
import gc
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from fastapi import FastAPI

from snnlab import streams, tracing
from snnlab.config import Settings
from snnlab.detectors import Detector
from snnlab.logs import logger
from snnlab.serving.application import Application
from snnlab.serving.assignment import Pace
from snnlab.serving.bento import bundled_models
from snnlab.serving.peers import Peers
from snnlab.serving.replica import Replica, ReplicaSettings, listening
from snnlab.serving.rest import create_app
from snnlab.serving.rest.warm import warm_door
from snnlab.serving.topics import Topics
from snnlab.serving.warm import warm_up
from snnlab.stores import connect as connect_store

if TYPE_CHECKING:
    from snnlab.serving.grpc import GrpcServer

__all__ = ["Service"]


@dataclass(frozen=True)
class Service:
    """An application with its interfaces, ready for its first event."""

    application: Application
    app: FastAPI
    grpc: "GrpcServer | None" = None

    @classmethod
    async def start(cls, models: Path) -> Self:
        """The service over the bus and store of the settings, with the models of a folder.

        Raises ConfigError, BusError, StoreError and ModelError as they come: a service that cannot do its work must
        not say that it is ready.
        """
        begun = time.perf_counter()
        tracing.start("snnlab-service")
        application = await asyncio.to_thread(_application, models)
        app = create_app(application)
        await warm_door(app, application.held())
        grpc = await _grpc(application)
        # What is here now stays: a collection that need not look at it pauses the service for a few ms, not hundreds.
        gc.collect()
        gc.freeze()
        told = {"models": len(application.held()), "grpc": grpc and grpc.port, "traces": tracing.enabled()}
        logger("snnlab.serving").info("service started", **told, seconds=_since(begun))
        return cls(application, app, grpc)

    async def stop(self) -> None:
        """Take no more calls, keep what was learnt, and let go of the bus and the store."""
        if self.grpc is not None:
            await self.grpc.stop()
        await asyncio.to_thread(self.application.close)
        await self.app.state.forwarding.close()
        self.application.bus.close()
        self.application.store.close()
        await asyncio.to_thread(tracing.stop)
        logger("snnlab.serving").info("service stopped")


async def _grpc(application: Application) -> "GrpcServer | None":
    """The gRPC interface, unless its port is 0."""
    from snnlab.serving.grpc import GrpcServer, GrpcSettings

    settings = GrpcSettings.load()
    return await GrpcServer.start(application, settings) if settings.port else None


def _since(begun: float) -> float:
    return round(time.perf_counter() - begun, 2)


def _home(settings: Settings) -> Path:
    """Where the embedded bus and store are: unless said, beside the Bentos, and never within one."""
    if "home" in settings.model_fields_set:
        return settings.home.absolute()
    return Path(os.environ.get("BENTOML_HOME", Path.home() / "bentoml")).absolute() / "data"


def _application(models: Path) -> Application:
    from snnlab.serving.grpc import GrpcSettings

    settings = Settings.load()
    topics = Topics.of(settings.topics)
    home = _home(settings)
    bus = streams.connect(settings.bus or f"sqlite:///{home / 'bus.db'}")
    store = connect_store(settings.store or f"sqlite:///{home / 'store.db'}")
    bundled = bundled_models(models)
    for bundle in bundled:  # before any of them is at work
        warm_up(Detector.load(bundle.content, trust_code=bundle.entry.code))
    replica = ReplicaSettings.load()
    here = Replica.here(*replica.addresses(listening(), GrpcSettings.load().port), replica.key)
    keep_s = None if settings.anomaly_days is None else settings.anomaly_days * 86_400
    pace = Pace(hold_s=replica.lease_s, keep_s=keep_s)
    application = Application(bus, store, pace=pace, topics=topics, peers=Peers(here, replica))
    application.start(bundled)
    for model in application.held():
        warm_up(model.scorer.detector.anew())
    return application
