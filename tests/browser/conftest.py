"""A service over real sockets, and a real browser that looks at its pages."""

import asyncio
import os
import shutil
import socket
import time
from contextlib import contextmanager
from threading import Thread
from types import SimpleNamespace

import numpy as np
import pytest
import uvicorn
from pydantic import SecretStr

from snnlab import streams
from snnlab.events import EventBatch
from snnlab.serving.application import Application
from snnlab.serving.assignment import Pace
from snnlab.serving.auth import Guard, KeyGuard
from snnlab.serving.rest import create_app
from snnlab.serving.untrained import Untrained
from snnlab.stores import connect

NETWORK = {"network": {"layers": [{"type": "input"}, {"type": "reservoir", "neurons": 128}, {"type": "readout"}]}}


@pytest.fixture(scope="module")  # no longer: playwright keeps an event loop in this thread, where others want theirs
def browser():
    """Chromium, of the system: ``make browser`` installs it."""
    path = os.environ.get("SNNLAB_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("there is no chromium; 'make browser' installs it on Debian, as root")
        pytest.skip("there is no chromium; 'make browser' installs it on Debian, or SNNLAB_CHROMIUM names one")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=60_000)  # of a page on a machine that does much else
    with sync_playwright() as playwright:
        # Root has no sandbox to start in; what is looked at is this project's own.
        found = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        yield found
        found.close()


@pytest.fixture
def tab(browser):
    """A tab; what it complains of and asks others for is in ``complaints`` and ``asked``."""
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    page = context.new_page()
    page.set_default_timeout(60_000)
    complaints, asked = [], []
    page.on("console", lambda told: complaints.append(told.text) if told.type == "error" else None)
    page.on("pageerror", lambda wrong: complaints.append(str(wrong)))
    page.on("request", lambda request: asked.append(request.url))
    yield SimpleNamespace(page=page, context=context, complaints=complaints, asked=asked)
    context.close()


def _free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@contextmanager
def _serving(app, port):
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", ws="wsproto", timeout_graceful_shutdown=1)
    )
    thread = Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    until = time.monotonic() + 30
    while not server.started and time.monotonic() < until:
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def _events(count, begun, burst=None):
    rng = np.random.default_rng(begun)
    rows = np.arange(begun, begun + count)
    values = rng.normal([0.5, 20.0], [0.05, 2.0], (count, 2))
    if burst is not None:
        values[burst : burst + 5] = [5.0, 900.0]
    return EventBatch.from_columns(
        values,
        ["cpu", "latency"],
        timestamps=1_700_000_000_000_000 + rows * 1_000_000,
        event_ids=[f"e{row}" for row in rows],
        entities=[f"host-{row % 5}" for row in rows],
    )


@pytest.fixture
def service(tmp_path):
    """A deployed model; ``serving(key)`` answers over HTTP, ``feed`` publishes events."""
    place = f"sqlite:///{tmp_path}"
    with streams.connect(f"{place}/bus.db") as bus, connect(f"{place}/store.db") as store:
        application = Application(bus, store, pace=Pace(checkpoint_s=0.5, poll_s=0.01))
        application.start()
        model = application.create_model(
            Untrained("performance", name="web", features=("cpu", "latency"), neuromorphic=NETWORK, seed=1)
        )
        application.score(model.model_id, _events(1200, 0))
        application.deploy(model.model_id, "hosts", shards=1)
        at, port = [1200], _free_port()

        def feed(count, burst=None):
            bus.publish("hosts", _events(count, at[0], burst))
            at[0] += count

        def serving(key=None):
            guard = Guard(SecretStr(key) if key else None, loopback=True)
            return _serving(KeyGuard(create_app(application), guard), port)

        yield SimpleNamespace(
            application=application, bus=bus, model=model.model_id, feed=feed, serving=serving, events=_events
        )
        application.close()
