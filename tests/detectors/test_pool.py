"""The pool of entities: rows at once are the rows one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnlab.detectors.pool import EntityPool
from snnlab.events import Categorical


def test_the_longest_silent_gives_its_row_up():
    pool = EntityPool(limit=2)
    assert pool.assign(["a", "b", "a", "c", "b"]) == ([0, 1, 0, 1, 0], [(3, 1), (4, 0)])
    assert list(pool.rows) == ["c", "b"]


@pytest.mark.parametrize("limit", [1, 3, 50])
@settings(derandomize=True, deadline=None, max_examples=40)
@given(words=st.lists(st.lists(st.sampled_from("abcdefg"), max_size=9), max_size=6))
def test_a_batch_is_placed_as_its_events_are(limit, words):
    at_once, one_by_one = EntityPool(limit), EntityPool(limit)
    for batch in words:
        expected, changes = one_by_one.assign(batch)
        rows = at_once.place(Categorical.of(batch))
        if rows is None:
            assert len(set(batch) | set(at_once.rows)) > limit
            rows = at_once.assign(batch)[0]
        else:
            assert changes == []
        assert list(rows) == expected
        assert list(at_once.rows.items()) == list(one_by_one.rows.items())


def test_nothing_is_changed_where_a_batch_does_not_fit():
    pool = EntityPool(limit=2)
    pool.assign(["a", "b"])
    assert pool.place(Categorical.of(["b", "a", "c"])) is None
    assert list(pool.rows) == ["a", "b"]


def test_words_that_do_not_occur_take_no_row():
    pool = EntityPool(limit=2)
    rows = pool.place(Categorical(np.array([2, 2], np.int32), ("x", "y", "z")))
    assert rows.tolist() == [0, 0]
    assert list(pool.rows) == ["z"]


def test_rows_are_given_in_the_order_in_which_entities_come():
    pool = EntityPool()
    assert pool.place(Categorical(np.array([2, 0, 1, 2], np.int32), ("x", "y", "z"))).tolist() == [0, 1, 2, 0]


def test_a_word_with_two_codes_is_one_entity():
    pool = EntityPool()
    assert pool.place(Categorical(np.array([0, 1, 2], np.int32), ("a", "a", "b"))) is None
    assert pool.rows == {}
