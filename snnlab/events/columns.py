"""Columns of events: words as codes, and each column of an event batch built and checked."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self, TypeAlias

import numpy as np
import pyarrow as pa
from jaxtyping import Float64, Int32

from snnlab.errors import EventError

__all__ = [
    "FEATURES_KEY",
    "SYMBOL",
    "Categorical",
    "Single",
    "Words",
    "event_schema",
    "features_of",
    "first_repeat",
    "ids_of",
    "joined",
    "matrix_of",
    "metadata_of",
    "single_of",
    "stored_names",
    "symbols_of",
    "times_of",
]

FEATURES_KEY = b"snnlab.features"
SYMBOL = pa.dictionary(pa.int32(), pa.string())
_FIRST = pa.array([0], pa.int32())
_CODE = np.zeros(1, np.int32)
_CODE.flags.writeable = False


@dataclass(frozen=True)
class Categorical:
    """A column of words: ``vocabulary[codes[i]]`` is the word of event ``i``.

    The vocabulary may hold words that no event of this batch uses: slices share it.

    >>> Categorical.of(["b", "a", "b"]).words()
    ['b', 'a', 'b']
    """

    codes: Int32[np.ndarray, " n"]
    vocabulary: tuple[str, ...]

    @classmethod
    def of(cls, words: Sequence[str]) -> Self:
        """Words to codes, the vocabulary in order of first appearance."""
        encoded = symbols_of(words, len(words), "category")
        return cls(encoded.indices.to_numpy(zero_copy_only=False), tuple(encoded.dictionary.to_pylist()))

    def __len__(self) -> int:
        return len(self.codes)

    def words(self) -> list[str]:
        """The ``n`` words, in order."""
        return [self.vocabulary[code] for code in self.codes.tolist()]


Words: TypeAlias = str | Sequence[str] | Categorical | pa.Array
"""What a column of words may be given as: one word for all, a sequence, a Categorical or an Arrow array."""


@lru_cache(maxsize=256)
def event_schema(names: tuple[str, ...], categories: tuple[str, ...]) -> pa.Schema:
    """The Arrow schema of events with these features and categories.

    Raises EventError for names that come twice.

    >>> event_schema(("cpu",), ("host",)).names
    ['event_id', 'timestamp', 'event_type', 'entity', 'features', 'metadata']
    """
    for kind, given in (("feature", names), ("category", categories)):
        if len(set(given)) != len(given):
            raise EventError(f"{kind} {first_repeat(given)!r} comes twice in {given}; names must be unique")
    return pa.schema(
        [
            pa.field("event_id", pa.string(), nullable=False),
            pa.field("timestamp", pa.int64(), nullable=False),
            pa.field("event_type", SYMBOL, nullable=False),
            pa.field("entity", SYMBOL, nullable=False),
            pa.field("features", _list_type(len(names)), nullable=False),
            pa.field("metadata", _struct_type(categories), nullable=False),
        ],
        metadata={FEATURES_KEY: json.dumps(list(names)).encode()},
    )


@lru_cache(maxsize=256)
def stored_names(stored: bytes) -> tuple[str, ...]:
    """Names of the features, from the schema's metadata."""
    return tuple(json.loads(stored))


@lru_cache(maxsize=256)
def _list_type(width: int) -> pa.DataType:
    return pa.list_(pa.field("item", pa.float64(), nullable=False), width)


def first_repeat(names: Sequence[str]) -> str:
    """The first name that stands a second time; "" where none does."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return ""


def matrix_of(values: Any, names: Sequence[str]) -> Float64[np.ndarray, "n f"]:  # noqa: ANN401 - anything array-like
    """Features as a table of n events by f names; raises EventError where they are none."""
    try:
        matrix = np.ascontiguousarray(values, dtype=np.float64)
    except (TypeError, ValueError) as wrong:
        raise EventError(f"features are not a table of numbers: {wrong}") from wrong
    if matrix.ndim != 2 or matrix.shape[1] != len(names):
        raise EventError(
            f"features of shape {matrix.shape} do not fit the {len(names)} names {tuple(names)}; "
            f"give one row an event and {len(names)} numbers a row"
        )
    return matrix


@dataclass(frozen=True, eq=False)
class Single:
    """One event as it came, before it is Arrow's: a live stream comes one event at a time, and few look at the rest."""

    names: tuple[str, ...]
    values: Float64[np.ndarray, "1 f"]
    time: int
    event_id: str
    event_type: str
    entity: str
    kinds: dict[str, str | None]

    def text(self, name: str) -> str:
        """The word of a category, of ``event_type`` or of ``entity``; "" where the event does not have it."""
        if name in self.kinds:
            return self.kinds[name] or ""
        return self.event_type if name == "event_type" else self.entity

    def word(self, name: str) -> Categorical:
        """The word of one column as a column of one."""
        return Categorical(_CODE, (self.text(name),))

    def record(self) -> pa.RecordBatch:
        """The event as a record batch."""
        arrays = [
            pa.array([self.event_id], pa.string()),
            pa.array([self.time], pa.int64()),
            _single(self.event_type),
            _single(self.entity),
            features_of(self.values),
            metadata_of({name: _single(word) for name, word in self.kinds.items()}, 1),
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=event_schema(self.names, tuple(self.kinds)))


def single_of(
    names: Sequence[str],
    values: Float64[np.ndarray, "1 f"],
    time: Any,  # noqa: ANN401 - as given: what is not plain is left to Arrow
    words: Sequence[Any],
    kinds: Mapping[str, Any],
) -> Single | None:
    """The one event of columns that are plain lists of one value, or None; ``words`` are id, type and entity."""
    when, plain = _only(time), [_only(column) for column in words]
    given = {name: _only(column) for name, column in kinds.items()}
    if isinstance(when, np.integer):
        when = int(when)
    if type(when) is not int or not -(1 << 63) <= when < 1 << 63 or not all(map(_is_text, plain)):
        return None
    if not all(word is None or _is_text(word) for word in given.values()):
        return None
    event_id, event_type, entity = plain
    return Single(tuple(names), values, when, event_id, event_type, entity, given)


def _only(column: Any) -> Any:  # noqa: ANN401
    """The value of a column of one; a column of anything else stays what it is, which is no value."""
    single = isinstance(column, list | tuple | np.ndarray) and len(column) == 1
    return column[0] if single else column


def _is_text(word: object) -> bool:
    # A lone surrogate is no text: UTF-8 has no bytes for it.
    return type(word) is str and (word.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in word))


def _sized(column: Any, n: int, name: str) -> None:  # noqa: ANN401 - anything with a length
    if len(column) != n:
        raise EventError(f"{len(column)} values of {name} for {n} events; give one an event")


def ids_of(given: Sequence[str] | pa.Array | None, n: int) -> pa.Array:
    """Ids of n events, counted from "0" where none are given; raises EventError for missing ones."""
    if given is None:
        return pa.array(np.arange(n)).cast(pa.string())
    ids = given if isinstance(given, pa.Array) else _strings(given, "event_id")
    _sized(ids, n, "event_id")
    if ids.null_count:
        raise EventError(f"event {ids.is_null().index(True).as_py()} of the batch has no id; give every event one")
    return ids


def times_of(given: Any, n: int) -> pa.Array:  # noqa: ANN401 - anything array-like
    """Timestamps of n events in µs, a second apart where none are given; raises EventError for other than integers."""
    if given is None:
        return pa.array(np.arange(n, dtype=np.int64) * 1_000_000)
    times = np.asarray(given)
    _sized(times, n, "timestamp")
    if n and times.dtype.kind not in "iu":
        raise EventError(f"timestamps are {times.dtype}, not integers; give µs since 1970 UTC as int64")
    return pa.array(np.ascontiguousarray(times, dtype=np.int64))


def _strings(words: Sequence[str | None], name: str) -> pa.Array:
    try:
        return pa.array(words, pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError) as wrong:
        raise EventError(f"{name} must be text: {wrong}") from wrong


def symbols_of(words: Words, n: int, name: str, *, absent: bool = False) -> pa.DictionaryArray:
    """A column of words as a dictionary array; raises EventError for missing ones unless ``absent`` is allowed."""
    if isinstance(words, str):
        return _single(words) if n == 1 else pa.DictionaryArray.from_arrays(np.zeros(n, np.int32), pa.array([words]))
    _sized(words, n, name)
    if n == 1 and isinstance(words, list | tuple) and isinstance(words[0], str):
        try:
            return _single(words[0])
        except UnicodeEncodeError as wrong:
            raise EventError(f"{name} must be text: {wrong}") from wrong
    if isinstance(words, Categorical):
        codes = np.asarray(words.codes, dtype=np.int32)
        column = pa.DictionaryArray.from_arrays(codes, _strings(words.vocabulary, name))
    elif isinstance(words, pa.Array):
        column = words.cast(SYMBOL) if pa.types.is_dictionary(words.type) else words.cast(pa.string())
    else:
        column = _strings(words, name)
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    if column.null_count and not absent:
        raise EventError(
            f"event {column.is_null().index(True).as_py()} of the batch has no {name}; give every event one"
        )
    return column


def features_of(matrix: Float64[np.ndarray, "n f"]) -> pa.FixedSizeListArray:
    """The features column: a list of f numbers an event, which shares the memory of ``matrix``."""
    n, width = matrix.shape
    flat = pa.array(matrix.reshape(-1))
    return pa.FixedSizeListArray.from_buffers(_list_type(width), n, [None], children=[flat])


def metadata_of(columns: dict[str, pa.DictionaryArray], n: int) -> pa.StructArray:
    """The metadata column: a struct of the n events' categories."""
    return pa.StructArray.from_buffers(_struct_type(tuple(columns)), n, [None], children=list(columns.values()))


@lru_cache(maxsize=256)
def _struct_type(names: tuple[str, ...]) -> pa.DataType:
    return pa.struct([pa.field(name, SYMBOL) for name in names])


@lru_cache(maxsize=4096)
def _single(word: str | None) -> pa.DictionaryArray:
    # A live stream comes one event at a time and says the same words again; Arrow's arrays never change.
    if word is None:
        return pa.array([None], SYMBOL)
    return pa.DictionaryArray.from_arrays(_FIRST, pa.array([word], pa.string()))


def joined(columns: list[pa.DictionaryArray]) -> pa.DictionaryArray:
    """Columns of words one after the other, over one vocabulary."""
    return pa.chunked_array(columns).unify_dictionaries().combine_chunks()
