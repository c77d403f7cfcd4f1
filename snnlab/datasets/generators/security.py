"""Users of a platform, in sessions over their own working hours.

Entity: a user (50). Columns: ``bytes_out`` and ``bytes_in`` (log-normal around each user's own habit, heavy-tailed),
``duration_ms`` (grows with the bytes), ``failed`` (1 for a refused login or request). Categories: ``resource`` (40;
a user has three to six of their own), ``endpoint`` (12, everyone uses all), ``source`` (the network; a user has two,
shared with others). Event types: ``login`` (the first of a session) and ``request``.

- unusual_access_pattern: a user touches resources that this user never touches, though others do.
- data_exfiltration: several uploads many times the user's own habit, and common for heavier users.
- authentication_anomaly: failed logins one after another, each from a network that is not the user's.
- api_abuse: machine-like calls less than a second apart, over all the endpoints.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from snnlab.datasets.generators.assembly import assemble, check_request, generators_of, sorted_by_time, words
from snnlab.datasets.generators.episodes import Episodes, next_gap, sizes
from snnlab.datasets.generators.strengths import Strengths, strengths
from snnlab.datasets.labelled import LabelledStream
from snnlab.types import Arrays

__all__ = ["generate"]

USERS = tuple(f"user-{i:02d}" for i in range(50))
RESOURCES = tuple(
    f"{area}/{i}" for area in ("crm", "erp", "files", "git", "hr", "ledger", "mail", "wiki") for i in range(5)
)
ENDPOINTS = tuple(
    f"/{verb}/{noun}" for verb in ("get", "list", "put") for noun in ("account", "document", "report", "session")
)
SOURCES = tuple(f"10.{i}.0.0/16" for i in range(40))
EVENT_TYPES = ("login", "request")
OWN, SLOTS, EVENTS_A_DAY = 6, 10, 1500
HOUR_S, DAY_S = 3600.0, 86_400.0


@dataclass(frozen=True)
class _Staff:
    """Habits of the users, one row a user."""

    first_hour: Int64[np.ndarray, " u"]
    sessions: Int64[np.ndarray, " u"]
    resources: Int64[np.ndarray, "u own"]
    taste: Float64[np.ndarray, "u own"]  # cumulative probabilities of the resources
    sources: Int64[np.ndarray, "u two"]
    bytes_out: Float64[np.ndarray, " u"]


def generate(seed: int, events: int = 20_000, anomalies: bool = True, world: int | None = None) -> LabelledStream:
    """A labelled stream of logins and requests.

    Raises ConfigError for a negative seed or fewer than 500 events.

    >>> stream = generate(seed=1, events=1_000, anomalies=False)
    >>> stream.events.names, stream.events.category_names
    (('bytes_out', 'bytes_in', 'duration_ms', 'failed'), ('resource', 'endpoint', 'source'))
    """
    check_request(seed, events)
    of_world, rng = generators_of("security", seed, world)
    fixed = strengths("security")
    staff = _staff(of_world)
    train = int(fixed.train * events)
    quota = fixed.quota(events) if anomalies else 0
    logins = sizes(rng, quota, fixed["authentication_anomaly"].run)
    # The first call of a burst is not yet strange, so a burst has one event more than its labels.
    calls = [k + 1 for k in sizes(rng, quota, (fixed["api_abuse"].run[0] - 1, fixed["api_abuse"].run[1] - 1))]
    table = _sessions(rng, staff, events - sum(logins) - sum(calls))
    _fill(rng, staff, table)
    table = _with_bursts(rng, fixed, staff, table, train, logins, calls)
    marks = _inject(rng, fixed, staff, table, train) if anomalies else {}
    return assemble(
        "security",
        seed,
        seconds=table["seconds"],
        columns={
            "bytes_out": table["bytes_out"],
            "bytes_in": table["bytes_in"],
            "duration_ms": table["duration"],
            "failed": table["failed"],
        },
        entities=words(table["user"], USERS),
        event_types=words(table["event_type"], EVENT_TYPES),
        categories={
            "resource": words(table["resource"], RESOURCES),
            "endpoint": words(table["endpoint"], ENDPOINTS),
            "source": words(table["source"], SOURCES),
        },
        marks=marks,
        train=train,
        world=world,
    )


def _staff(rng: np.random.Generator) -> _Staff:
    n = len(USERS)
    used = np.arange(OWN) < rng.integers(3, OWN + 1, (n, 1))
    # No habit is rarer than about 8 %, so that a user's habits are all seen within a hundred events.
    share = np.where(used, 0.25 + rng.gamma(2.0, 0.35, (n, OWN)), 0.0)
    return _Staff(
        first_hour=rng.integers(6, 11, n),
        sessions=rng.integers(2, 5, n),
        resources=rng.permuted(np.tile(np.arange(len(RESOURCES)), (n, 1)), axis=1)[:, :OWN],
        taste=np.cumsum(share / share.sum(axis=1, keepdims=True), axis=1),
        sources=rng.permuted(np.tile(np.arange(len(SOURCES)), (n, 1)), axis=1)[:, :2],
        bytes_out=np.exp(rng.uniform(np.log(2e3), np.log(2e6), n)),
    )


def _sessions(rng: np.random.Generator, staff: _Staff, n: int) -> Arrays:
    """Who does something when: sessions in distinct hours of each user's working day."""
    days = int(np.ceil(1.2 * n / EVENTS_A_DAY)) + 1
    rank = rng.random((days, len(USERS), SLOTS)).argsort(axis=2).argsort(axis=2)
    day, user, slot = np.nonzero(rank < staff.sessions[:, None])
    start = day * DAY_S + (staff.first_hour[user] + slot) * HOUR_S + rng.uniform(0.0, 400.0, len(day))
    length = 4 + rng.poisson(6.0, len(day))
    session = np.repeat(np.arange(len(day)), length)
    first = np.r_[True, session[1:] != session[:-1]]
    gap = np.where(first, 0.0, 3.0 + rng.lognormal(np.log(45.0), 0.9, len(session)))
    since = np.cumsum(gap)
    since -= since[np.flatnonzero(first)][session]
    # A session ends before its hour does, so that two of one user never overlap.
    longest = since[np.r_[np.flatnonzero(first)[1:] - 1, len(since) - 1]]
    since *= np.minimum(1.0, 3000.0 / np.maximum(longest, 1.0))[session]
    table = {"seconds": start[session] + since, "user": user[session], "event_type": np.where(first, 0, 1)}
    return sorted_by_time(table, n)


def _fill(rng: np.random.Generator, staff: _Staff, table: Arrays) -> None:
    """What each event says, added to the table."""
    user, n = table["user"], len(table["user"])
    pick = (rng.random(n)[:, None] > staff.taste[user]).sum(axis=1)
    table["resource"] = staff.resources[user, np.minimum(pick, OWN - 1)]
    zipf = 1.0 / np.arange(1, len(ENDPOINTS) + 1)
    table["endpoint"] = rng.choice(len(ENDPOINTS), n, p=zipf / zipf.sum())
    table["source"] = staff.sources[user, (rng.random(n) < 0.25).astype(np.int64)]
    table["bytes_out"] = staff.bytes_out[user] * np.exp(rng.normal(0.0, 0.6, n))
    table["bytes_in"] = 4.0 * table["bytes_out"] * np.exp(rng.normal(0.0, 0.7, n))
    table["duration"] = 20.0 + np.sqrt(table["bytes_out"]) * np.exp(rng.normal(0.0, 0.4, n))
    table["failed"] = (rng.random(n) < np.where(table["event_type"] == 0, 0.08, 0.015)).astype(np.float64)
    table["burst"] = np.zeros(n, np.int64)
    table["visible"] = np.zeros(n, np.bool_)


def _with_bursts(
    rng: np.random.Generator,
    fixed: Strengths,
    staff: _Staff,
    table: Arrays,
    train: int,
    logins: list[int],
    calls: list[int],
) -> Arrays:
    """The table with bursts of logins (1) and of calls (2) added, each in a long pause of one user."""
    free = np.flatnonzero(next_gap(table["user"], table["seconds"]) > 2 * HOUR_S)
    hosts = rng.permutation(free[free >= train])
    _, one_each = np.unique(table["user"][hosts], return_index=True)
    hosts = hosts[np.sort(one_each)]
    parts = [table]
    for host, (kind, length) in zip(hosts, [(1, k) for k in logins] + [(2, k) for k in calls], strict=False):
        spec = fixed["authentication_anomaly" if kind == 1 else "api_abuse"]
        user = np.full(length, table["user"][host])
        wait = rng.uniform(900.0, 1800.0)
        seconds = table["seconds"][host] + wait + np.cumsum(rng.uniform(*spec.gap, length))
        part: Arrays = {"seconds": seconds, "user": user, "event_type": np.full(length, kind - 1)}
        _fill(rng, staff, part)
        part["burst"] = np.full(length, kind)
        part["visible"] = (np.arange(length) > 0) | (kind == 1)
        if kind == 1:
            foreign = np.setdiff1d(np.arange(len(SOURCES)), staff.sources[user[0]])
            part["source"] = rng.permutation(foreign)[:length]
            part["failed"] = np.ones(length)
        else:
            part["endpoint"] = rng.permutation(len(ENDPOINTS))[:length]
        parts.append(part)
    return sorted_by_time({name: np.concatenate([part[name] for part in parts]) for name in table})


def _inject(
    rng: np.random.Generator, fixed: Strengths, staff: _Staff, table: Arrays, train: int
) -> dict[str, Bool[np.ndarray, " n"]]:
    user = table["user"]
    quota = fixed.quota(len(user))
    marks = {kind: np.zeros(len(user), np.bool_) for kind in fixed.types}
    marks["authentication_anomaly"] = (table["burst"] == 1) & table["visible"]
    marks["api_abuse"] = (table["burst"] == 2) & table["visible"]
    episodes = Episodes(rng, user, first=train, margin=fixed.margin)
    for row in np.flatnonzero(table["burst"]):
        episodes.claim(np.array([row]))

    theft = fixed["data_exfiltration"]
    light = staff.bytes_out <= np.quantile(staff.bytes_out, theft.victims)
    for rows in episodes.runs(quota, theft.run, eligible=light[user] & (table["burst"] == 0)):
        factor = rng.uniform(*theft.factor, len(rows))
        table["bytes_out"][rows] *= factor
        table["duration"][rows] *= np.sqrt(factor)
        marks["data_exfiltration"][rows] = True

    seen = [set(own) for own in staff.resources.tolist()]
    for rows in episodes.runs(quota, fixed["unusual_access_pattern"].run, eligible=table["burst"] == 0):
        person = int(user[rows[0]])
        foreign = np.setdiff1d(np.arange(len(RESOURCES)), list(seen[person]))
        table["resource"][rows] = rng.permutation(foreign)[: len(rows)]
        seen[person].update(table["resource"][rows].tolist())
        marks["unusual_access_pattern"][rows] = True
    return marks
