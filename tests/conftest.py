"""What tests of several packages share: seeded streams, another process, the public sets, real servers.

Numba's cache is kept.
"""

import os
import subprocess
import sys
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import exp
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from uuid import uuid4

import numpy as np
import pytest

from snnlab.datasets.generators import generate
from snnlab.events import EventBatch

SECOND = 1_000_000
DAY = 86_400 * SECOND


@pytest.fixture
def rng():
    return np.random.default_rng(20)


@pytest.fixture(scope="session")
def public_data():
    """The folder of public sets; without one the test is skipped."""
    here = os.environ.get("SNNLAB_DATA")
    if not here:
        pytest.skip("SNNLAB_DATA names no folder of public sets")
    return Path(here)


@pytest.fixture(scope="session")
def services_home(tmp_path_factory):
    """The home of the real servers."""
    return Path(os.environ.get("SNNLAB_TEST_SERVERS") or _shared(tmp_path_factory.getbasetemp()))


@pytest.fixture(scope="session")
def servers(services_home):
    """Real servers on loopback, started once for all workers of pytest, by the code behind ``snnlab services up``.

    ``SNNLAB_TEST_SERVERS=HOME`` uses those of that home, and leaves them running.
    """
    from snnlab.services import missing, up

    if (why := missing()) and os.environ.get("CI") != "true":
        pytest.skip(f"real Pulsar and Ignite cannot be started: {why}")
    return up(services_home)


def _shared(basetemp):
    """One folder for all workers: theirs lie in the one of the process that started them."""
    return (basetemp.parent if "PYTEST_XDIST_WORKER" in os.environ else basetemp) / "servers"


def pytest_sessionfinish(session):
    """End the servers that the tests started."""
    factory = getattr(session.config, "_tmp_path_factory", None)
    if "PYTEST_XDIST_WORKER" in os.environ or factory is None:
        return
    home = _shared(factory.getbasetemp())
    if home.is_dir():
        from snnlab.services import down

        down(home, wipe=True)


@pytest.fixture(scope="session")
def pulsar_url(servers):
    """URL of a real Pulsar."""
    return servers["pulsar"].url


@pytest.fixture(scope="session")
def ignite_url(servers):
    """URL of a real Ignite."""
    return servers["ignite"].url


@pytest.fixture(scope="session")
def ignite_tables(ignite_url):
    """URL of a store on a real Ignite that only this process uses: making tables takes longer than emptying them."""
    return f"{ignite_url}/t_{uuid4().hex}"


@pytest.fixture
def empty_ignite(ignite_tables):
    """URL of a store on a real Ignite, empty."""
    from snnlab.stores.ignite import IgniteStore

    with IgniteStore(ignite_tables) as store:
        for table in ("kept", "anomalies"):
            store._connections.ask(
                lambda client, table=table: client.get_cache(f"{store.address.name}_{table}").clear()
            )
    return ignite_tables


@contextmanager
def _collecting():
    """A receiver of OTLP over HTTP: ``spans`` as they came, ``environment`` for those who shall send to it."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    spans = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            assert self.path == "/v1/traces"
            for part in ExportTraceServiceRequest.FromString(body).resource_spans:
                service = _attributes(part.resource.attributes)["service.name"]
                spans.extend(_span(one, service) for scope in part.scope_spans for one in scope.spans)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        serving = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()
        endpoint = f"http://127.0.0.1:{server.server_port}"
        environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        yield SimpleNamespace(
            spans=spans, environment=environment, named=lambda name: [one for one in spans if one.name == name]
        )
        server.shutdown()
        serving.join()


def _span(one, service):
    return SimpleNamespace(
        name=one.name,
        service=service,
        kind=one.SpanKind.Name(one.kind).removeprefix("SPAN_KIND_").lower(),
        trace=one.trace_id.hex(),
        id=one.span_id.hex(),
        parent=one.parent_span_id.hex(),
        links={(link.trace_id.hex(), link.span_id.hex()) for link in one.links},
        attributes=_attributes(one.attributes),
        failed=one.status.code == one.status.STATUS_CODE_ERROR,
        seconds=(one.end_time_unix_nano - one.start_time_unix_nano) / 1e9,
    )


def _attributes(found):
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in found}


@pytest.fixture
def collector():
    """A real receiver of traces over HTTP, for processes that are given its ``environment``."""
    with _collecting() as collector:
        yield collector


@pytest.fixture
def traced(collector, monkeypatch):
    """The collector, and this process traces; ``sent()`` stops that and gives the spans."""
    from snnlab import tracing

    for name, value in collector.environment.items():
        monkeypatch.setenv(name, value)
    assert tracing.start("tests")

    def sent():
        tracing.stop(10.0)
        return collector.spans

    collector.sent = sent
    yield collector
    tracing.stop(10.0)


@pytest.fixture(scope="session")
def labelled():
    """Short labelled streams of the generators, made once a domain."""

    @cache
    def made(domain, events=2000, seed=5):
        return generate(domain, seed, events)

    return made


@pytest.fixture(scope="session")
def events_of(labelled):
    """Events of a case (a domain, or "generic" columns); some come late, a few later than any clock allows."""

    @cache
    def made(case):
        events = _generic() if case == "generic" else labelled(case).events
        times = events.timestamps.copy()
        times[50::97] -= SECOND // 2
        times[400::331] -= 40 * DAY
        return _at(events, times)

    return made


@pytest.fixture(scope="session")
def python():
    """Runs a program in another process, and gives what it printed; numba's cache is the same there."""

    def run(program, *words, status=0):
        done = subprocess.run(
            [sys.executable, "-c", program, *map(str, words)], capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == status, done.stderr
        return done.stdout

    return run


def _generic():
    rng = np.random.default_rng(3)
    n = 2000
    values = np.column_stack([rng.normal(5, 1, n), rng.exponential(1, n), np.repeat(rng.normal(size=n // 50), 50)])
    values[1500:1510] *= 6
    users = [f"user {i}" for i in rng.integers(0, 12, n)]
    colours = np.array(["red", "green", "blue", "violet"])[rng.choice(4, n, p=[0.5, 0.3, 0.19, 0.01])]
    return EventBatch.from_columns(
        values,
        ["load", "wait", "level"],
        timestamps=np.cumsum(rng.integers(0, 40 * SECOND, n)),
        entities=users,
        categories={"colour": colours.tolist()},
    )


def _at(events, times):
    return EventBatch.from_columns(
        events.values,
        events.names,
        timestamps=times,
        event_ids=events.event_ids,
        event_types=events.event_types.words(),
        entities=events.entities.words(),
        categories={name: events.category(name).words() for name in events.category_names},
    )


# What the engines are held to: plain NumPy, float64, one neuron or synapse at a time where that reads better.


def _lif_raster(matrix, bias, v0, tick, ticks, tau_m=20.0, tau_s=5.0, refractory=2.0, delay=1.0):
    """Spikes (tick, neuron) of a static network in NEST's order of operations for iaf_psc_exp."""
    p22, p11 = exp(-tick / tau_m), exp(-tick / tau_s)
    p21, p20 = tau_s / (tau_s - tau_m) * (p11 - p22), 1 - p22
    lag, hold = round(delay / tick), round(refractory / tick)
    v, i, left = v0.copy(), np.zeros(v0.size), np.zeros(v0.size, int)
    ring = np.zeros((lag, v0.size))
    spikes = []
    for t in range(ticks):
        active = left == 0
        v = np.where(active, p22 * v + p21 * i + p20 * bias, v)
        left = np.where(active, left, left - 1)
        i = p11 * i + ring[t % lag]
        ring[t % lag] = 0
        fired = np.flatnonzero((v >= 1.0) & active)
        v[fired], left[fired] = 0.0, hold
        if fired.size:
            ring[t % lag] = matrix[fired].sum(axis=0)
            spikes += [(t, int(k)) for k in fired]
    return spikes


def _stdp_weights(matrix, raster, a_plus, a_minus, tau_pre, tau_post, w_max):
    """Weights after a forced raster [ticks, neurons] of nearest-neighbour pair STDP with hard bounds."""
    weights, last = matrix.copy(), np.full(raster.shape[1], -np.inf)
    exists = matrix > 0
    for t, fired in enumerate(raster.astype(bool)):
        pre, post = a_plus * np.exp(-(t - last) / tau_pre), a_minus * np.exp(-(t - last) / tau_post)
        weights = np.where(exists & fired[None, :], np.minimum(weights + pre[:, None], w_max), weights)
        weights = np.where(exists & fired[:, None], np.maximum(weights - post[None, :], 0.0), weights)
        last[fired] = t
    return weights


@pytest.fixture
def lif_raster():
    return _lif_raster


@pytest.fixture
def stdp_weights():
    return _stdp_weights
