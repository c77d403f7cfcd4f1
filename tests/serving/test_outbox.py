"""Anomalies on their way: in order, together where they waited, and none after one that failed."""

import threading
from contextvars import ContextVar

import pytest

from snnlab.errors import StoreError
from snnlab.serving.outbox import Outbox

NUMBER = ContextVar("number", default=-1)


class Way:
    """Takes batches when it is open; one of the anomalies makes it fail."""

    def __init__(self, failing=None):
        self.calls, self.contexts, self.failing = [], [], failing
        self.open = threading.Event()
        self.open.set()

    @property
    def sent(self):
        return [one for call in self.calls for one in call]

    def __call__(self, batches):
        assert self.open.wait(30)
        anomalies = [one for batch in batches for one in batch.anomalies]
        if self.failing in anomalies:
            raise StoreError("no room on the disk; make some")
        self.calls.append(anomalies)
        self.contexts += [batch.context[NUMBER] for batch in batches if NUMBER in batch.context]


@pytest.fixture
def way():
    return Way()


@pytest.fixture
def outbox(way):
    found = Outbox(way)
    yield found
    way.open.set()
    found.close()


def test_batches_go_out_in_order_while_the_worker_goes_on(way, outbox):
    way.open.clear()
    for at in range(10):
        outbox.put([at])
    assert way.sent == []
    assert not outbox.last.done()
    way.open.set()
    outbox.last.result(30)
    outbox.check()
    assert way.sent == list(range(10))
    assert outbox.last is None


def test_what_waited_goes_together_up_to_a_size_and_keeps_its_context(way, outbox):
    way.open.clear()
    outbox.do(way.open.wait)  # the thread is at work until the way is open
    for at in range(100):
        token = NUMBER.set(at)
        outbox.put(range(10 * at, 10 * at + 10))
        NUMBER.reset(token)
    way.open.set()
    outbox.last.result(30)
    assert way.sent == list(range(1000))
    assert [len(call) for call in way.calls] == [520, 480]
    assert way.contexts == list(range(100))


def test_other_work_keeps_its_place_between_batches(way, outbox):
    way.open.clear()
    seen = []
    outbox.do(way.open.wait)
    outbox.put([1])
    outbox.put([2])
    outbox.do(lambda: seen.append(list(way.sent)))
    outbox.put([3])
    way.open.set()
    outbox.last.result(30)
    assert seen == [[1, 2]]
    assert way.calls == [[1, 2], [3]]


def test_a_worker_that_is_faster_waits(way, outbox):
    way.open.clear()
    threading.Timer(0.2, way.open.set).start()
    for at in range(20):
        outbox.put(range(500 * at, 500 * at + 500))
    assert len(way.sent) >= 20 * 500 - 4096
    outbox.last.result(30)
    assert way.sent == list(range(10_000))


def test_more_than_may_wait_goes_out_where_nothing_else_does(way, outbox):
    outbox.put(range(5000))
    outbox.put([1])
    outbox.last.result(30)
    assert len(way.sent) == 5001


def test_after_a_failure_nothing_is_sent_until_it_is_forgotten(way, outbox):
    way.failing = 3
    for at in range(3):
        outbox.put([at])
    outbox.last.result(30)
    for at in range(3, 6):
        outbox.put([at])
    with pytest.raises(StoreError, match="no room"):
        outbox.last.result(30)
    with pytest.raises(StoreError, match="no room"):
        outbox.check()
    outbox.forget()
    outbox.put([7])
    outbox.last.result(30)
    assert way.sent == [0, 1, 2, 7]
