"""Words as stable symbols: the same in every process, machine and vocabulary."""

from zlib import crc32

import numpy as np
from jaxtyping import Int32, UInt32

from snnlab.events.batch import Categorical
from snnlab.events.text import Text
from snnlab.kernels import kernel
from snnlab.types import Array

__all__ = ["checksum_of", "checksums_of", "symbol_of", "symbols_of", "symbols_of_text"]

_REMEMBERED: dict[int, tuple[tuple[str, ...], Int32[np.ndarray, " v"]]] = {}
_LIMIT = 64


def symbol_of(word: str) -> int:
    """The symbol of a word: 31 bits of the CRC-32 of its UTF-8; the empty (absent) word is 0, and only it.

    >>> symbol_of("GET /login"), symbol_of("")
    (266894761, 0)
    """
    return (checksum_of(word) & 0x7FFFFFFF or 1) if word else 0


def checksum_of(word: str) -> int:
    """CRC-32 of a word's UTF-8.

    >>> checksum_of("GET /login")
    2414378409
    """
    return crc32(word.encode("utf-8", "surrogatepass"))


def symbols_of_text(words: Text) -> Int32[np.ndarray, " n"]:
    """The symbols of ``n`` words given as bytes, in one compiled pass.

    >>> from snnlab.events.text import text_of_words
    >>> symbols_of_text(text_of_words(["GET /login", ""])).tolist()
    [266894761, 0]
    """
    checks = checksums_of(words)
    symbols = (checks & np.uint32(0x7FFFFFFF)).astype(np.int32)
    if not symbols.all():  # no word but the empty one is 0
        empty = np.array([not words.word(at) for at in np.flatnonzero(symbols == 0).tolist()])
        symbols[symbols == 0] = np.where(empty, 0, 1)
    return symbols


def checksums_of(words: Text) -> UInt32[np.ndarray, " n"]:
    """CRC-32 of ``n`` words given as bytes."""
    if words.codes.size == 1:
        return np.array([checksum_of(words.word(0))], np.uint32)
    out = np.empty(words.codes.size, np.uint32)
    _checksums(words.codes, words.offsets, words.data, out)
    return out


def _table() -> Array:
    """What each byte does to a CRC-32 (polynomial 0xEDB88320)."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, np.uint32(0xEDB88320) ^ (table >> np.uint32(1)), table >> np.uint32(1))
    return table


_CRC = _table()


@kernel
def _checksums(codes: Array, offsets: Array, data: Array, out: Array) -> None:
    for i in range(codes.size):
        check = np.uint32(0xFFFFFFFF)
        if codes[i] >= 0:
            for at in range(offsets[codes[i]], offsets[codes[i] + 1]):
                check = _CRC[(check ^ data[at]) & np.uint32(0xFF)] ^ (check >> np.uint32(8))
        out[i] = check ^ np.uint32(0xFFFFFFFF)


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
