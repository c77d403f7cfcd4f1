"""Every anomaly type is clear in its own context: one right feature, known to an oracle, ranks its events on top.

The oracles look at the right column in the right context (the entity's own level, the hour, the order, the pair) with
levels and habits taken from the training part, so that none of them looks ahead.
"""

import numpy as np
import pytest

from snnlab.datasets.generators import generate, strengths
from snnlab.evaluation.metrics import average_precision


def codes(stream, *names):
    """One code a distinct combination of words."""
    columns = [stream.events.entities if name == "entity" else stream.events.category(name) for name in names]
    return np.unique(np.column_stack([c.codes for c in columns]), axis=0, return_inverse=True)[1].ravel()


def seconds(stream):
    return (stream.events.timestamps - stream.events.timestamps[0]) / 1e6


def hour(stream):
    return (stream.events.timestamps // 3_600_000_000 % 24).astype(int)


def centred(values, key, train):
    """Values minus the mean of their key in the training part."""
    total = np.bincount(key[:train], values[:train], minlength=key.max() + 1)
    count = np.bincount(key[:train], minlength=key.max() + 1)
    return values - (total / np.maximum(count, 1))[key]


def against_habit(stream, column, key="entity"):
    return centred(np.log(stream.events.column(column)), codes(stream, key), stream.train)


def against_hour(stream, column, log):
    values = stream.events.column(column)
    own = centred(np.log(values) if log else values, codes(stream, "entity"), stream.train)
    return centred(own, hour(stream), stream.train)


def never_seen(stream, *names):
    pair = codes(stream, *names)
    return (~np.isin(pair, pair[: stream.train])).astype(float)


def leaky_sum(values, when, tau):
    found, total, last = np.empty(len(values)), 0.0, when[0]
    for i, (value, now) in enumerate(zip(values, when, strict=True)):
        total = total * np.exp(-(now - last) / tau) + value
        found[i], last = total, now
    return found


def since_own_last(stream):
    entity, when = codes(stream, "entity"), seconds(stream)
    order = np.lexsort((when, entity))
    gap = np.full(len(when), 1e6)
    gap[order[1:]] = np.where(np.diff(entity[order]) == 0, np.diff(when[order]), 1e6)
    return gap


def unseen_step(stream):
    entity, activity = codes(stream, "entity"), codes(stream, "activity")
    order = np.argsort(entity, kind="stable")
    step = np.full(len(entity), -1)
    step[order[1:]] = np.where(np.diff(entity[order]) == 0, activity[order[:-1]] * 100 + activity[order[1:]], -1)
    return (~np.isin(step, step[: stream.train])).astype(float)


def same_word(stream, one, other):
    return np.array([a == b for a, b in zip(*(stream.events.category(c).words() for c in (one, other)), strict=True)])


ORACLES = {
    "security": {
        "unusual_access_pattern": lambda s: never_seen(s, "entity", "resource"),
        "data_exfiltration": lambda s: against_habit(s, "bytes_out"),
        "authentication_anomaly": lambda s: never_seen(s, "entity", "source") * s.events.column("failed"),
        "api_abuse": lambda s: -since_own_last(s),
    },
    "performance": {
        "latency_spike": lambda s: against_habit(s, "latency_ms"),
        "throughput_degradation": lambda s: -against_hour(s, "requests_per_s", log=True),
        "resource_exhaustion": lambda s: against_habit(s, "memory_mb"),
        "service_cascade_failure": lambda s: leaky_sum(s.events.column("errors"), seconds(s), 10.0),
    },
    "business": {
        "transaction_pattern_change": lambda s: against_habit(s, "amount_eur"),
        "workflow_deviation": unseen_step,
        "unusual_user_behavior": lambda s: never_seen(s, "employee", "activity"),
        "compliance_violation": lambda s: same_word(s, "requester", "approver"),
    },
    "sensor": {
        "environmental_change": lambda s: against_hour(s, "temperature_c", log=False),
        "equipment_malfunction": lambda s: -against_habit(s, "pressure_bar"),
        "predictive_maintenance": lambda s: against_habit(s, "vibration_mm_s"),
        "quality_control_deviation": lambda s: np.abs(
            centred(s.events.column("dimension_mm"), codes(s, "product"), s.train)
        ),
    },
}


@pytest.mark.parametrize("seed", [21, 22])
@pytest.mark.parametrize("domain", sorted(ORACLES))
def test_the_right_feature_finds_every_type(domain, seed):
    stream = generate(domain, seed)
    kind = np.array(stream.kind)
    assert set(ORACLES[domain]) == set(strengths(domain).types)
    found = {}
    for name, oracle in ORACLES[domain].items():
        rows = (np.arange(len(kind)) >= stream.train) & np.isin(kind, ("", name))
        found[name] = average_precision(np.asarray(oracle(stream), float)[rows], kind[rows] == name)
    assert min(found.values()) >= 0.95, found
