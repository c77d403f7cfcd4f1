"""The pool of entities: rows by name, in the order of being seen, however a stream is cut."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnlab.detectors.pool import EntityPool
from snnlab.events.text import Text, text_of_words


def placed(pool, words):
    """Rows of the words, and where a row changed hands."""
    owners, rows, start, changes = text_of_words(words), np.empty(len(words), np.int32), 0, []
    while start < len(words):
        stop, taken = pool.place(owners, rows, start)
        assert stop > start or not taken
        if taken:
            changes.append((start, int(rows[start])))
        start = stop
    return rows.tolist(), changes


class Plain:
    """The same by a dict, which keeps the order in which it was filled."""

    def __init__(self, limit):
        self.limit, self.rows = limit, {}

    def row(self, word):
        row = self.rows.pop(word, -1)
        if row < 0:
            full = len(self.rows) >= self.limit
            row = self.rows.pop(next(iter(self.rows))) if full else len(self.rows)
        self.rows[word] = row
        return row


def test_the_longest_silent_gives_its_row_up():
    pool = EntityPool(limit=2)
    assert placed(pool, ["a", "b", "a", "c", "b"]) == ([0, 1, 0, 1, 0], [(3, 1), (4, 0)])
    assert list(pool.rows) == ["c", "b"]


@pytest.mark.parametrize("limit", [1, 3, 50])
@settings(derandomize=True, deadline=None, max_examples=40)
@given(words=st.lists(st.lists(st.sampled_from([*"abcdefg", "", "ä", "abc", "a" * 40]), max_size=9), max_size=6))
def test_rows_are_those_of_a_plain_dict(limit, words):
    pool, plain = EntityPool(limit), Plain(limit)
    for batch in words:
        assert placed(pool, batch)[0] == [plain.row(word) for word in batch]
        assert list(pool.rows.items()) == list(plain.rows.items())
        assert len(pool) == len(plain.rows)


def test_many_names_come_and_go():
    rng = np.random.default_rng(0)
    pool, plain = EntityPool(limit=300), Plain(300)
    for _ in range(20):
        batch = [f"entity-{one}" for one in rng.integers(0, 900, 400).tolist()]
        assert placed(pool, batch)[0] == [plain.row(word) for word in batch]
    assert list(pool.rows.items()) == list(plain.rows.items())


def test_a_pool_restored_goes_on_as_it_was():
    one = EntityPool(limit=3)
    placed(one, ["a", "b", "c", "a"])
    other = EntityPool(3, one.rows)
    assert other.rows == one.rows
    assert list(other.rows) == ["b", "c", "a"]
    assert placed(other, ["d", "c"]) == placed(one, ["d", "c"])
    assert list(other.rows.items()) == list(one.rows.items())


def test_words_that_do_not_occur_take_no_row():
    pool, spelled = EntityPool(limit=2), text_of_words(["x", "y", "z"])
    rows = np.empty(2, np.int32)
    assert pool.place(spelled.only(np.array([2, 2], np.int32)), rows, 0) == (2, False)
    assert rows.tolist() == [0, 0]
    assert list(pool.rows) == ["z"]


def test_a_word_with_two_codes_is_one_entity():
    pool = EntityPool()
    assert placed(pool, ["a", "a", "b"]) == ([0, 0, 1], [])


def test_no_events_are_no_error():
    assert EntityPool().place(Text(*(array[:0] for array in text_of_words([]))), np.empty(0, np.int32), 0) == (0, False)
