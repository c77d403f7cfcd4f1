"""What is kept of events for labels that come late."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from snnlab.detectors.readouts import Inputs, Shape
from snnlab.detectors.recall import Ring, fresh_recall, recalled, remember
from snnlab.events.text import text_of_words
from snnlab.features.symbols import checksums_of

SHAPE = Shape(2, 1, 10, 8, (4, 4, 4))


def inputs(start, n):
    at = np.arange(start, start + n)
    none = np.zeros((n, 0), np.int32)
    return Inputs(
        np.zeros(n, np.int32), at.astype(np.int32), at * 1.0, np.column_stack([at, -at]) * 1.0,
        (at[:, None] + 5).astype(np.int32), none, np.zeros(n + 1, np.int64), np.zeros(0, np.int32),
    )  # fmt: skip


def keep(ring, start, n):
    keep_as(ring, [f"event {i}" for i in range(start, start + n)], inputs(start, n))


def keep_as(ring, ids, events):
    remember(Ring(*(ring[name] for name in Ring._fields)), checksums_of(text_of_words(ids)), events)


def test_an_event_is_recalled_as_it_was():
    ring = fresh_recall(SHAPE, horizon=10)
    keep(ring, 0, 7)
    found = recalled(ring, "event 3")
    assert found.numbers.tolist() == [[3.0, -3.0]]
    assert found.categories.tolist() == [[8]]
    assert (found.entities[0], found.seconds[0]) == (3, 3.0)
    assert recalled(ring, "event 7") is None
    assert recalled(ring, "") is None


@settings(derandomize=True, deadline=None, max_examples=40)
@given(sizes=st.lists(st.integers(0, 25), max_size=6))
def test_the_last_events_are_kept_however_they_came(sizes):
    ring, whole, total = fresh_recall(SHAPE, horizon=10), fresh_recall(SHAPE, horizon=10), sum(sizes)
    start = 0
    for n in sizes:
        keep(ring, start, n)
        start += n
    keep(whole, 0, total)
    for name, array in whole.items():
        np.testing.assert_array_equal(ring[name], array, err_msg=name)
    for i in range(total):
        assert (recalled(ring, f"event {i}") is not None) == (i >= total - 10)


def test_an_id_that_comes_again_is_the_latest_event():
    ring = fresh_recall(SHAPE, horizon=4)
    for start in range(7):
        keep_as(ring, ["same"], inputs(start, 1))
        assert recalled(ring, "same").seconds[0] == start


def test_of_very_wide_events_fewer_are_remembered():
    wide = Shape(100_000, 0, 10, 8, ())
    ring = fresh_recall(wide, horizon=4096)
    assert {len(ring[name]) for name in ("id", "seconds", "numbers", "flagged")} == {83}
    assert ring["numbers"].nbytes <= 64 * 2**20
