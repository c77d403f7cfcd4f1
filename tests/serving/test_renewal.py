"""Leases renewed beside the stream: nobody waits for a slow store, until the lease is nearly over."""

import threading

import pytest

from snnlab.errors import StoreError
from snnlab.serving.keeper import Held
from snnlab.serving.renewal import Renewal
from snnlab.stores import ShardKey

KEY = ShardKey("web@1", "hosts", 0)


class Slow:
    """A store whose renewals wait until it is open, and fail when told to."""

    def __init__(self, store):
        self.store, self.failing, self.renewals = store, None, 0
        self.open, self.asked = threading.Event(), threading.Semaphore(0)
        self.open.set()

    def renew(self, lease, *, hold_s):
        self.renewals += 1
        self.asked.release()
        assert self.open.wait(30)
        if self.failing is not None:
            raise self.failing
        return self.store.renew(lease, hold_s=hold_s)


@pytest.fixture
def slow(store):
    return Slow(store)


@pytest.fixture
def now():
    return [100.0]


@pytest.fixture
def renewal(slow, now):
    found = Renewal(slow, 9.0, lambda: now[0])
    yield found
    slow.open.set()
    found.close()


@pytest.fixture
def held(store, now):
    lease = store.acquire(KEY, "here", hold_s=9.0)
    found = Held(0, lease, scorer=None, history=None, position=None, labelled=None)
    found.renewed_at = now[0]
    return found


def settled(renewal, held):
    """The answer when the renewal under way is there."""
    return renewal.holds(held, wait=True)


def test_a_lease_is_renewed_when_a_third_of_it_is_over(renewal, slow, held, now):
    first = held.lease
    now[0] += 2.9
    assert renewal.holds(held)
    assert slow.renewals == 0
    now[0] += 0.2
    assert renewal.holds(held)
    assert settled(renewal, held)
    assert slow.renewals == 1
    assert held.renewed_at == now[0]
    assert held.lease.epoch == first.epoch
    assert held.lease.expires_at > first.expires_at


def test_nobody_waits_for_a_slow_store_and_it_is_asked_once(renewal, slow, held, now):
    slow.open.clear()
    now[0] += 3.1
    for _ in range(5):
        assert renewal.holds(held)
        now[0] += 0.1
    assert slow.asked.acquire(timeout=30)
    assert slow.renewals == 1
    assert held.renewed_at == 100.0
    slow.open.set()
    assert settled(renewal, held)
    assert held.renewed_at == pytest.approx(103.1)  # when it was asked for: the store may count from then


def test_who_slept_for_long_waits_for_the_answer(renewal, slow, store, held, now):
    store.release(held.lease)
    assert store.acquire(KEY, "there", hold_s=9.0)
    now[0] += 6.1
    assert not renewal.holds(held)


def test_while_the_store_is_away_a_shard_is_held_until_it_tells(renewal, slow, held, now):
    slow.failing = StoreError("the store is away; see that it runs")
    slow.open.clear()
    now[0] += 3.1
    assert renewal.holds(held)
    slow.open.set()
    with pytest.raises(StoreError, match="is away"):
        settled(renewal, held)
    slow.failing = None
    assert renewal.holds(held)
    assert settled(renewal, held)


def test_an_answer_to_who_held_the_shard_before_says_nothing_of_who_does(renewal, slow, held, now):
    slow.failing = StoreError("the store is away; see that it runs")
    slow.open.clear()
    now[0] += 3.1
    assert renewal.holds(held)
    assert slow.asked.acquire(timeout=30)
    again = Held(0, held.lease, scorer=None, history=None, position=None, labelled=None)
    again.renewed_at = now[0]
    slow.open.set()
    assert renewal.holds(again)
    assert settled(renewal, again)
