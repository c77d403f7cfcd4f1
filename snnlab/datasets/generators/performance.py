"""Services that report their health every twenty minutes, and their errors at once.

Entity: a service (40). Columns: ``latency_ms``, ``requests_per_s`` and ``cpu_percent`` (daily rhythm around each
service's own level, busiest at 14:00 UTC), ``memory_mb`` (own level), ``errors`` (1 for an
error event and for a few reports). Category ``cluster`` (8). Event types: ``report`` and ``error``.

- latency_spike: latency several times the service's own, and common for slower services.
- throughput_degradation: at the busiest hours, as few requests as at night.
- resource_exhaustion: memory climbs over the service's own level until a restart.
- service_cascade_failure: errors of several services one after another within seconds; alone each is normal.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float64, Int64

from snnlab.datasets.generators.assembly import assemble, check_request, generators_of, sorted_by_time, words
from snnlab.datasets.generators.episodes import Episodes, sizes
from snnlab.datasets.generators.strengths import Strengths, strengths
from snnlab.datasets.labelled import LabelledStream
from snnlab.types import Arrays

__all__ = ["generate"]

SERVICES = tuple(
    f"{name}-{part}"
    for name in ("auth", "cart", "catalog", "checkout", "email", "inventory", "payment", "search", "shipping", "user")
    for part in ("api", "cache", "db", "worker")
)
CLUSTERS = tuple(f"cluster-{i}" for i in range(8))
EVENT_TYPES = ("report", "error")
PERIOD_S = 1200.0
LONE_ERRORS = 0.01  # error events beside the reports, as a share of all events
REPORTED_ERRORS = 0.005  # reports that count an error


@dataclass(frozen=True)
class _Fleet:
    """Levels of the services, one entry a service."""

    latency: Float64[np.ndarray, " s"]
    requests: Float64[np.ndarray, " s"]
    memory: Float64[np.ndarray, " s"]
    cpu: Float64[np.ndarray, " s"]
    peak_h: Float64[np.ndarray, " s"]
    phase_s: Float64[np.ndarray, " s"]
    cluster: Int64[np.ndarray, " s"]


def generate(seed: int, events: int = 20_000, anomalies: bool = True, world: int | None = None) -> LabelledStream:
    """A labelled stream of service reports.

    Raises ConfigError for a negative seed or fewer than 500 events.

    >>> stream = generate(seed=1, events=1_000, anomalies=False)
    >>> stream.events.names, stream.events.category_names
    (('latency_ms', 'requests_per_s', 'memory_mb', 'cpu_percent', 'errors'), ('cluster',))
    """
    check_request(seed, events)
    of_world, rng = generators_of("performance", seed, world)
    fixed = strengths("performance")
    fleet = _fleet(of_world)
    train = int(fixed.train * events)
    table = _times(rng, fixed, fleet, events, train, anomalies)
    _fill(rng, fleet, table)
    marks = {**_inject(rng, fixed, fleet, table, train), "service_cascade_failure": table["mark"]} if anomalies else {}
    return assemble(
        "performance",
        seed,
        seconds=table["seconds"],
        columns={
            "latency_ms": table["latency"],
            "requests_per_s": table["requests"],
            "memory_mb": table["memory"],
            "cpu_percent": table["cpu"],
            "errors": table["errors"],
        },
        entities=words(table["service"], SERVICES),
        event_types=words(table["event_type"], EVENT_TYPES),
        categories={"cluster": words(fleet.cluster[table["service"]], CLUSTERS)},
        marks=marks,
        train=train,
        world=world,
    )


def _fleet(rng: np.random.Generator) -> _Fleet:
    n = len(SERVICES)
    return _Fleet(
        latency=np.exp(rng.uniform(np.log(4.0), np.log(1500.0), n)),
        requests=np.exp(rng.uniform(np.log(5.0), np.log(2000.0), n)),
        memory=np.exp(rng.uniform(np.log(128.0), np.log(16_384.0), n)),
        cpu=rng.uniform(5.0, 45.0, n),
        peak_h=rng.uniform(13.3, 14.7, n),
        phase_s=rng.uniform(0.0, PERIOD_S, n),
        cluster=rng.integers(0, len(CLUSTERS), n),
    )


def _times(
    rng: np.random.Generator, fixed: Strengths, fleet: _Fleet, events: int, train: int, anomalies: bool
) -> Arrays:
    """Who reports when: regular reports, lone errors, and cascades, whose errors are ``mark``ed but for the first."""
    spec = fixed["service_cascade_failure"]
    # The first error of a cascade is as normal as any lone one, so a cascade has one event more than its labels.
    lengths = [k + 1 for k in sizes(rng, fixed.quota(events), (spec.run[0] - 1, spec.run[1] - 1))] if anomalies else []
    lone = round(LONE_ERRORS * events)
    regular = events - lone - sum(lengths)
    turn, service = (axis.ravel() for axis in np.indices((regular // len(SERVICES) + 2, len(SERVICES))))
    seconds = turn * PERIOD_S + fleet.phase_s[service] + rng.uniform(-30.0, 30.0, len(turn)) + 60.0
    reports = sorted_by_time({"seconds": seconds, "service": service}, regular)
    end = float(reports["seconds"][-1])
    lone_s, lone_of = rng.uniform(0.0, end, lone), rng.integers(0, len(SERVICES), lone)
    busy = np.sort(np.concatenate([reports["seconds"], lone_s]))
    cascade_s = [
        begin + np.cumsum(rng.uniform(*spec.gap, length))
        for begin, length in zip(_pauses(rng, busy, train, len(lengths)), lengths, strict=True)
    ]
    cascade_of = [rng.permutation(len(SERVICES))[:length] for length in lengths]
    size = [regular, lone, sum(lengths)]
    first = [np.arange(length) > 0 for length in lengths]
    quiet = np.zeros(regular + lone, np.bool_)
    return sorted_by_time(
        {
            "seconds": np.concatenate([reports["seconds"], lone_s, *cascade_s]),
            "service": np.concatenate([reports["service"], lone_of, *cascade_of]),
            "event_type": np.repeat([0, 1, 1], size),
            "errors": np.concatenate([rng.random(regular) < REPORTED_ERRORS, np.ones(lone + size[2])]),
            "mark": np.concatenate([quiet, *first]).astype(np.bool_),
            "cascade": np.repeat([False, False, True], size),
        }
    )


def _pauses(rng: np.random.Generator, busy: Float64[np.ndarray, " n"], train: int, count: int) -> list[float]:
    """When cascades begin: one in each stretch of the stream, in a long pause between reports.

    A healthy report in the middle of a cascade would be normal by its label and strange by its moment.
    """
    edges = np.linspace(min(train, len(busy) - 2), len(busy) - 1, count + 1).astype(int)
    begins = []
    for first, last in pairwise(edges.tolist()):
        pauses = np.diff(busy[first : max(last, first + 2)])
        long_ones = np.flatnonzero(pauses >= np.quantile(pauses, 0.98))
        begins.append(float(busy[first + rng.choice(long_ones)]))
    return begins


def _fill(rng: np.random.Generator, fleet: _Fleet, table: Arrays) -> None:
    """What each report says, added to the table."""
    service, n = table["service"], len(table["service"])
    hour = table["seconds"] / 3600.0
    load = 0.62 + 0.38 * np.cos(2 * np.pi * (hour - fleet.peak_h[service]) / 24.0)
    table["latency"] = fleet.latency[service] * load**0.25 * np.exp(rng.normal(0.0, 0.14, n))
    table["requests"] = fleet.requests[service] * load * np.exp(rng.normal(0.0, 0.09, n))
    table["memory"] = fleet.memory[service] * (1.0 + 0.04 * load) * np.exp(rng.normal(0.0, 0.025, n))
    table["cpu"] = np.clip(fleet.cpu[service] + 45.0 * load + rng.normal(0.0, 2.0, n), 0.0, 100.0)


def _inject(
    rng: np.random.Generator, fixed: Strengths, fleet: _Fleet, table: Arrays, train: int
) -> dict[str, Bool[np.ndarray, " n"]]:
    service = table["service"]
    quota = fixed.quota(len(service))
    episodes = Episodes(rng, service, first=train, margin=fixed.margin)
    for row in np.flatnonzero(table["cascade"]):
        episodes.claim(np.array([row]))
    reports = table["event_type"] == 0
    marks = {kind: np.zeros(len(service), np.bool_) for kind in fixed.types}

    drop = fixed["throughput_degradation"]
    hour = table["seconds"] / 3600.0 % 24.0
    for rows in episodes.runs(quota, drop.run, eligible=reports & (hour >= drop.hours[0]) & (hour <= drop.hours[1])):
        table["requests"][rows] *= rng.uniform(*drop.factor)
        marks["throughput_degradation"][rows] = True

    leak = fixed["resource_exhaustion"]
    for rows in episodes.runs(quota, leak.run, lead=len(leak.lead), eligible=reports):
        climb = leak.first + leak.step * np.arange(len(rows) - len(leak.lead))
        table["memory"][rows] *= np.concatenate([leak.lead, climb])
        marks["resource_exhaustion"][rows[len(leak.lead) :]] = True

    spike = fixed["latency_spike"]
    quick = fleet.latency <= np.quantile(fleet.latency, spike.victims)
    for rows in episodes.runs(quota, spike.run, eligible=reports & quick[service]):
        table["latency"][rows] *= rng.uniform(*spike.factor, len(rows))
        marks["latency_spike"][rows] = True
    return marks
