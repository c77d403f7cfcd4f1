"""Words as stable symbols: the same in every process, machine and vocabulary."""

from zlib import crc32

import numpy as np
from jaxtyping import Int32

from snnlab.events.batch import Categorical

__all__ = ["symbol_of", "symbols_of"]

_REMEMBERED: dict[int, tuple[tuple[str, ...], Int32[np.ndarray, " v"]]] = {}
_LIMIT = 64


def symbol_of(word: str) -> int:
    """The symbol of a word: 31 bits of the CRC-32 of its UTF-8; the empty (absent) word is 0, and only it.

    >>> symbol_of("GET /login"), symbol_of("")
    (266894761, 0)
    """
    return (crc32(word.encode("utf-8", "surrogatepass")) & 0x7FFFFFFF or 1) if word else 0


def symbols_of(words: Categorical) -> Int32[np.ndarray, " n"]:
    """The symbols of ``n`` words; each word of the vocabulary is hashed once, not each row.

    >>> symbols_of(Categorical(np.array([0, 1, 0], dtype=np.int32), ("b", "a"))).tolist()
    [1908338681, 1756872259, 1908338681]
    """
    vocabulary, codes = words.vocabulary, words.codes
    if len(codes) * 4 < len(vocabulary):
        # one event of a stream with many words must not hash them all
        few = {code: symbol_of(vocabulary[code]) for code in set(codes.tolist())}
        return np.array([few[code] for code in codes.tolist()], dtype=np.int32)
    symbols: Int32[np.ndarray, " n"] = _hashed(vocabulary)[codes]
    return symbols


def _hashed(vocabulary: tuple[str, ...]) -> Int32[np.ndarray, " v"]:
    known = _REMEMBERED.get(id(vocabulary))
    # an id may be taken again by another tuple, so the tuple itself is kept and compared
    if known is not None and known[0] is vocabulary:
        return known[1]
    hashes = np.array([symbol_of(word) for word in vocabulary], dtype=np.int32)
    if len(_REMEMBERED) >= _LIMIT:
        _REMEMBERED.clear()
    _REMEMBERED[id(vocabulary)] = (vocabulary, hashes)
    return hashes
