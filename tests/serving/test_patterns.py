"""Patterns at hand: no anomaly waits for the store, and none is lost to one that is away."""

import numpy as np
import pytest

from snnlab.errors import StoreError
from snnlab.events.anomaly import Anomaly
from snnlab.serving.patterns import PatternMemory
from snnlab.stores import Pattern

FIRED = (1.0, 0.0, 0.5)


def named(name, kind):
    told = {"similarity": 0.9, "recommended_actions": []}
    return Pattern(name, name, kind, 0, "web", told, np.array(FIRED, "<f8").tobytes())


def anomaly():
    return Anomaly("a1", 1_000_000, "latency_spike", 0.5, model="web", spike_pattern=FIRED)


def kind(memory):
    return memory.recognise([anomaly()])[0].anomaly_type


@pytest.fixture
def reads(store, monkeypatch):
    found, patterns = [], store.patterns

    def counted(**asked):
        found.append(asked)
        return patterns(**asked)

    monkeypatch.setattr(store, "patterns", counted)
    return found


def test_where_somebody_refreshes_no_anomaly_but_the_first_asks_the_store(store, reads):
    now = [0.0]
    memory = PatternMemory(store, lambda: now[0])
    memory.follower()  # which is not started: the test refreshes
    assert kind(memory) == "latency_spike"
    store.put_pattern(named("elsewhere", "resource_exhaustion"))  # by another replica
    now[0] = 60.0
    assert kind(memory) == "latency_spike"
    assert len(reads) == 1
    memory.refresh()
    assert kind(memory) == "resource_exhaustion"
    assert len(reads) == 2


def test_while_the_store_is_away_what_was_known_counts(store, monkeypatch):
    now = [0.0]
    memory = PatternMemory(store, lambda: now[0])
    memory.register(named("ours", "resource_exhaustion"))
    assert kind(memory) == "resource_exhaustion"

    def away(**_):
        raise StoreError("the store is away")

    monkeypatch.setattr(store, "patterns", away)
    now[0] = 60.0
    assert kind(memory) == "resource_exhaustion"
