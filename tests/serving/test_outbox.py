"""Anomalies on their way: in order, and none after one that failed."""

import threading

import pytest

from snnlab.errors import StoreError
from snnlab.serving.outbox import Outbox


class Way:
    """Takes batches when it is open; one of them fails."""

    def __init__(self, failing=None):
        self.sent, self.failing = [], failing
        self.open = threading.Event()
        self.open.set()

    def __call__(self, batch):
        assert self.open.wait(30)
        if batch == self.failing:
            raise StoreError("no room on the disk; make some")
        self.sent.append(batch)


def test_batches_go_out_in_order_while_the_worker_goes_on():
    way = Way()
    way.open.clear()
    outbox = Outbox(way)
    for at in range(10):
        outbox.put([at])
    assert way.sent == []
    assert not outbox.last.done()
    way.open.set()
    outbox.last.result(30)
    outbox.check()
    assert way.sent == [[at] for at in range(10)]
    assert outbox.last is None
    outbox.close()


def test_a_worker_that_is_faster_waits():
    way = Way()
    way.open.clear()
    outbox = Outbox(way)
    threading.Timer(0.2, way.open.set).start()
    for at in range(40):
        outbox.put([at])
    assert len(way.sent) >= 40 - 16 - 1
    outbox.close()
    assert len(way.sent) == 40


def test_after_a_failure_nothing_is_sent_until_it_is_forgotten():
    way = Way(failing=[3])
    outbox = Outbox(way)
    for at in range(6):
        outbox.put([at])
    with pytest.raises(StoreError, match="no room"):
        outbox.last.result(30)
    with pytest.raises(StoreError, match="no room"):
        outbox.check()
    outbox.forget()
    outbox.put([7])
    outbox.last.result(30)
    assert way.sent == [[0], [1], [2], [7]]
    outbox.close()
