import subprocess
import sys

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from snnlab.events.batch import Categorical
from snnlab.features import symbol_of, symbols_of


def test_symbols_are_the_same_in_another_process():
    words = ["GET /login", "Zürich", "日本", "a"]
    code = f"from snnlab.features import symbol_of; print([symbol_of(w) for w in {words!r}])"
    other = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code], capture_output=True, text=True, check=True, encoding="utf8"
    )
    assert other.stdout.strip() == str([symbol_of(word) for word in words])


@settings(derandomize=True, deadline=None, max_examples=50)
@given(st.lists(st.text(max_size=5), min_size=1, max_size=20))
def test_a_symbol_depends_on_the_word_alone(words):
    vocabulary = tuple(dict.fromkeys(words))
    codes = np.array([vocabulary.index(word) for word in words], dtype=np.int32)
    padded = (*vocabulary, *(f"filler {i}" for i in range(500)))
    expected = [symbol_of(word) for word in words]
    for book in (vocabulary, padded, padded):
        got = symbols_of(Categorical(codes, book))
        assert got.dtype == np.int32
        assert got.tolist() == expected
    assert all((symbol == 0) == (word == "") and symbol >= 0 for symbol, word in zip(expected, words, strict=True))
