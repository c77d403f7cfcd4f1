"""Anomalies of posted events are told first, and whoever has heard of one finds it."""

import threading
import time

import pytest

from snnlab.errors import BusError, StoreError
from snnlab.events.anomaly import Anomaly
from snnlab.serving.telling import Telling
from snnlab.stores import AnomalyFilter

TOLD = [
    Anomaly("a", 1, "latency_spike", 0.9, stream="hosts"),
    Anomaly("b", 2, "latency_spike", 0.9),
    Anomaly("c", 3, "latency_spike", 0.9, stream="rooms"),
]


class Slow:
    """A store that holds what it is given until it is let go."""

    def __init__(self, store):
        self._store = store
        self.asked, self.go = threading.Event(), threading.Event()

    def put_anomalies(self, *given, **options):
        self.asked.set()
        self.go.wait(10.0)
        self._store.put_anomalies(*given, **options)


def test_each_is_told_on_its_own_stream_and_all_are_stored(bus, store):
    bus.create("hosts", 1)
    bus.create("rooms", 1)
    Telling(bus, store, None).tell(TOLD)
    assert [one for _, one in bus.consume_anomalies("hosts")] == TOLD[:1]
    assert [one for _, one in bus.consume_anomalies("rooms")] == TOLD[2:]
    assert sorted(one.anomaly_id for one in store.anomalies(AnomalyFilter()).items) == ["a", "b", "c"]


def test_who_has_been_told_of_one_finds_it(bus, store):
    bus.create("hosts", 1)
    slow = Slow(store)
    telling = Telling(bus, slow, None)
    teller = threading.Thread(target=telling.tell, args=(TOLD[:1],))
    teller.start()
    assert slow.asked.wait(10.0)
    assert bus.consume_anomalies("hosts")
    assert store.anomaly("a") is None
    threading.Timer(0.2, slow.go.set).start()
    telling.settle()
    assert store.anomaly("a") == TOLD[0]
    teller.join()


def test_to_tell_may_be_done_in_two_parts_and_who_asks_between_them_waits(bus, store):
    bus.create("hosts", 1)
    telling = Telling(bus, store, None)
    rest = telling.publish(TOLD[:1])
    assert [one for _, one in bus.consume_anomalies("hosts")] == TOLD[:1]
    assert store.anomaly("a") is None
    threading.Timer(0.2, rest).start()
    telling.settle()
    assert store.anomaly("a") == TOLD[0]


def test_a_bus_that_fails_holds_nobody_up(store):
    class Failing:
        def publish_anomalies(self, *_, **__):
            raise BusError("the broker is away")

    telling = Telling(Failing(), store, None)
    with pytest.raises(BusError, match="broker is away"):
        telling.publish(TOLD[:1])
    began = time.monotonic()
    telling.settle()
    assert time.monotonic() - began < 2.0
    assert store.anomaly("a") is None


def test_a_store_that_fails_holds_nobody_up(bus, store):
    bus.create("hosts", 1)

    class Failing:
        def put_anomalies(self, *_, **__):
            raise StoreError("the disk is full")

    telling = Telling(bus, Failing(), None)
    with pytest.raises(StoreError, match="disk is full"):
        telling.tell(TOLD[:1])
    asking = threading.Thread(target=telling.settle, daemon=True)
    asking.start()
    asking.join(2.0)
    assert not asking.is_alive()
