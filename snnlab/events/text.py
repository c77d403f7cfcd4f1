"""Words of a batch as bytes: what compiled code reads of a column of strings, without making a string of any."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import Int32, UInt8

__all__ = ["Text", "text_of", "text_of_ids", "text_of_words"]

_NO_OFFSETS = np.zeros(1, np.int32)
_NO_BYTES = np.zeros(0, np.uint8)
for _array in (_NO_OFFSETS, _NO_BYTES):
    _array.flags.writeable = False


class Text(NamedTuple):
    """``n`` words over a vocabulary of ``v``, in UTF-8; all arrays are read-only.

    The word of event i is ``data[offsets[codes[i]] : offsets[codes[i] + 1]]``; a code of -1 is the empty word.

    >>> text = text_of_words(["b", "", "b"])
    >>> text.word(2), text.word(1)
    ('b', '')
    """

    codes: Int32[np.ndarray, " n"]
    offsets: Int32[np.ndarray, " v+1"]
    data: UInt8[np.ndarray, " b"]

    def word(self, at: int) -> str:
        """The word of one event."""
        code = int(self.codes[at])
        if code < 0:
            return ""
        start, stop = self.offsets[code : code + 2].tolist()
        return self.data[start:stop].tobytes().decode("utf-8", "surrogatepass")

    def only(self, codes: Int32[np.ndarray, " k"]) -> "Text":
        """The words of these codes, which become read-only, over the same vocabulary."""
        codes.flags.writeable = False
        return Text(codes, self.offsets, self.data)


def text_of(column: pa.DictionaryArray) -> Text:
    """A column of words; where there is none, the empty word."""
    indices = column.indices.fill_null(-1) if column.null_count else column.indices
    return Text(_read_only(indices.to_numpy(zero_copy_only=False)), *_strings(column.dictionary))


def text_of_ids(column: pa.StringArray) -> Text:
    """A column of strings, each its own word."""
    return Text(_read_only(np.arange(len(column), dtype=np.int32)), *_strings(column))


def text_of_words(words: Sequence[str]) -> Text:
    """A few words, each its own."""
    parts = [word.encode("utf-8", "surrogatepass") for word in words]
    if len(parts) == 1:  # one event, one word: nothing to count up
        ends = np.array((0, len(parts[0])), np.int32)
        return Text(_FIRST, _read_only(ends), np.frombuffer(parts[0], np.uint8))
    ends = np.cumsum([0, *map(len, parts)]).astype(np.int32)
    codes = np.arange(len(parts), dtype=np.int32)
    return Text(_read_only(codes), _read_only(ends), np.frombuffer(b"".join(parts), np.uint8))


def _strings(column: pa.StringArray) -> tuple[Int32[np.ndarray, " v+1"], UInt8[np.ndarray, " b"]]:
    if not len(column):
        return _NO_OFFSETS, _NO_BYTES
    _, ends, data = column.buffers()
    first = column.offset
    offsets = np.frombuffer(ends, np.int32)[first : first + len(column) + 1]
    return _read_only(offsets), _read_only(np.frombuffer(data, np.uint8)) if data is not None else _NO_BYTES


def _read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


_FIRST = _read_only(np.zeros(1, np.int32))
