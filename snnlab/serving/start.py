"""What the served Bento does at its start and end: settings read, models loaded and warm, memory settled."""

import gc
import os
import time
from pathlib import Path

import structlog
from pydantic import SecretStr

from snnlab import streams
from snnlab.config import Settings
from snnlab.serving.application import Application
from snnlab.serving.auth import Guard, bound_to_loopback
from snnlab.serving.bento import bundled_models
from snnlab.serving.warm import warm_up
from snnlab.stores import connect as connect_store

__all__ = ["guard_from_environment", "settle", "start_application", "stop_application"]


def guard_from_environment() -> Guard:
    """The guard of this process: its key is ``SNNLAB_API_KEY``, its address that of the socket that BentoML gave it."""
    key = os.environ.get("SNNLAB_API_KEY", "")
    return Guard(SecretStr(key) if key else None, loopback=bound_to_loopback())


def start_application(models: Path) -> Application:
    """The application over the bus and store of the settings, with the models of a folder, ready for its first event.

    Raises ConfigError, BusError, StoreError and ModelError as they come: a service that cannot do its work must not
    say that it is ready.
    """
    begun = time.perf_counter()
    settings = Settings.load()
    home = settings.home.absolute()
    bus = streams.connect(settings.bus or f"sqlite:///{home / 'bus.db'}")
    store = connect_store(settings.store or f"sqlite:///{home / 'store.db'}")
    bundled = bundled_models(models)
    warm_up([(bundle.content, bundle.entry.code) for bundle in bundled])
    application = Application(bus, store)
    application.start(bundled)
    log = structlog.get_logger("snnlab.serving")
    log.info("service started", models=len(application.models()), seconds=round(time.perf_counter() - begun, 2))
    return application


def settle() -> None:
    """Take what is in memory now out of garbage collection: a pause is then a few ms, not hundreds."""
    gc.collect()
    gc.freeze()


def stop_application(application: Application) -> None:
    """Keep what was learnt, and let go of the bus and the store."""
    application.close()
    application.bus.close()
    application.store.close()
