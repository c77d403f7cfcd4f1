"""Events as columns: the working form of a stream, over one Arrow record batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from sys import byteorder
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float64, Int64

from snnlab.errors import EventError
from snnlab.events.columns import (
    FEATURES_KEY,
    Categorical,
    Single,
    Words,
    event_schema,
    features_of,
    first_repeat,
    ids_of,
    joined,
    matrix_of,
    metadata_of,
    single_of,
    stored_names,
    symbols_of,
    times_of,
)
from snnlab.events.text import Text, text_of, text_of_ids, text_of_words

__all__ = ["Categorical", "EventBatch", "event_schema"]

_FIRST_TIME = (0,)
_DEFAULTS = (("0",), ("event",), ("all",))


@dataclass(frozen=True, eq=False)
class EventBatch:
    """``n`` events as columns.

    ``source`` is the record batch, or one event that is not Arrow's yet; ``record`` is the record batch in either case.
    It holds ``event_id`` string, ``timestamp`` int64 (µs since 1970 UTC), ``event_type`` and ``entity``
    dictionary<int32, string>, ``features`` fixed_size_list<double>[f] and ``metadata``, a struct of one
    dictionary<int32, string> a category (null = absent). The names of the features stand in the schema's metadata.

    >>> batch = EventBatch.from_columns(np.array([[1.0, 2.0], [3.0, 4.0]]), ["cpu", "load"], entities=["a", "b"])
    >>> len(batch), batch.names, batch.timestamps.tolist(), batch.entities.words()
    (2, ('cpu', 'load'), [0, 1000000], ['a', 'b'])
    >>> batch.slice(1, 2).values.tolist()
    [[3.0, 4.0]]
    """

    source: pa.RecordBatch | Single
    _vocabularies: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    @classmethod
    def from_columns(
        cls,
        values: Float64[np.ndarray, "n f"],
        names: Sequence[str],
        *,
        timestamps: Int64[np.ndarray, " n"] | Sequence[int] | None = None,
        event_ids: Sequence[str] | pa.Array | None = None,
        event_types: Words | None = None,
        entities: Words | None = None,
        categories: Mapping[str, Words] | None = None,
    ) -> Self:
        """Events from columns.

        Without them, timestamps are 0, 1e6, 2e6… µs, ids "0", "1"…, the type is "event" and the entity "all".
        An entry of a category may be None: the event does not have it.
        Raises EventError where lengths, shapes or types do not fit; ``check`` looks at the values.
        """
        matrix = matrix_of(values, names)
        n = len(matrix)
        kinds = dict(categories or {})
        schema = event_schema(tuple(names), tuple(kinds))
        if n == 1:
            words = [
                _DEFAULTS[at] if given is None else given for at, given in enumerate((event_ids, event_types, entities))
            ]
            one = single_of(names, matrix, _FIRST_TIME if timestamps is None else timestamps, words, kinds)
            if one is not None:
                return cls._of_one(one)
        arrays = [
            ids_of(event_ids, n),
            times_of(timestamps, n),
            symbols_of("event" if event_types is None else event_types, n, "event_type"),
            symbols_of("all" if entities is None else entities, n, "entity"),
            features_of(matrix),
            metadata_of({name: symbols_of(words, n, name, absent=True) for name, words in kinds.items()}, n),
        ]
        made = cls(pa.RecordBatch.from_arrays(arrays, schema=schema))
        made.__dict__.update(names=tuple(names), category_names=tuple(kinds))
        return made

    @classmethod
    def _of_one(cls, event: Single) -> Self:
        """One event, with everything looked up that a cached property would take a lock for."""
        made = cls(event)
        time = np.frombuffer(event.time.to_bytes(8, byteorder, signed=True), np.int64)
        made.__dict__.update(
            names=event.names, category_names=tuple(event.kinds), values=event.values, timestamps=time, _size=1
        )
        return made

    @classmethod
    def concat(cls, batches: Sequence["EventBatch"]) -> "EventBatch":
        """Batches one after the other.

        Raises EventError when there are none, or when their features or categories differ.
        """
        if not batches:
            raise EventError("no batches to put together; give at least one, it may hold no events")
        first = batches[0]
        if len(batches) == 1:
            return first
        for other in batches[1:]:
            if other.names != first.names or other.category_names != first.category_names:
                raise EventError(
                    f"features {other.names} and categories {other.category_names} cannot follow {first.names} "
                    f"and {first.category_names}; put only batches of one stream together"
                )
        return cls.from_columns(
            np.concatenate([batch.values for batch in batches]),
            first.names,
            timestamps=np.concatenate([batch.timestamps for batch in batches]),
            event_ids=pa.concat_arrays([batch.record.column(0) for batch in batches]),
            event_types=joined([batch.record.column(2) for batch in batches]),
            entities=joined([batch.record.column(3) for batch in batches]),
            categories={
                name: joined([pc.struct_field(batch.record.column(5), name) for batch in batches])
                for name in first.category_names
            },
        )

    def slice(self, start: int, stop: int) -> "EventBatch":
        """Events ``start`` to ``stop`` (not included), without a copy."""
        start, stop, _ = slice(start, stop).indices(len(self))
        part = EventBatch(self.record.slice(start, max(stop - start, 0)), self._vocabularies)
        # A live stream is cut into events of one: what the whole has already looked up need not be looked up again.
        known = self.__dict__
        part.__dict__.update({name: known[name] for name in ("names", "category_names", "sound") if name in known})
        part.__dict__.update({name: known[name][start:stop] for name in ("values", "timestamps") if name in known})
        return part

    def take(self, indices: Int64[np.ndarray, " k"] | Sequence[int]) -> "EventBatch":
        """The events at ``indices``, in their order."""
        at = np.asarray(indices, dtype=np.int64)
        if len(at) and (at.min() < 0 or at.max() >= len(self)):
            raise EventError(f"indices {at.min()}..{at.max()} are not within the {len(self)} events of the batch")
        return EventBatch(self.record.take(pa.array(at)), self._vocabularies)

    def __len__(self) -> int:
        return self._size

    @cached_property
    def _size(self) -> int:
        return 1 if isinstance(self.source, Single) else int(self.source.num_rows)

    @cached_property
    def record(self) -> pa.RecordBatch:
        """The events as an Arrow record batch."""
        return self.source.record() if isinstance(self.source, Single) else self.source

    def __repr__(self) -> str:
        kinds = f", categories {', '.join(self.category_names)}" if self.category_names else ""
        return f"EventBatch({len(self)} events, features {', '.join(self.names) or 'none'}{kinds})"

    def __eq__(self, other: object) -> bool:
        """Whether both hold the same events, however their words are coded."""
        if not isinstance(other, EventBatch) or self.names != other.names:
            return NotImplemented if not isinstance(other, EventBatch) else False
        return bool(_decoded(self.record).equals(_decoded(other.record)))

    __hash__ = None  # type: ignore[assignment]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the ``f`` features."""
        if isinstance(self.source, Single):
            return self.source.names
        return stored_names(self.record.schema.metadata[FEATURES_KEY])

    @cached_property
    def values(self) -> Float64[np.ndarray, "n f"]:
        """Features, one row an event; read-only and without a copy."""
        if isinstance(self.source, Single):
            return self.source.values
        width = len(self.names)
        if not width:
            return np.empty((len(self), 0))
        column = self.record.column(4)
        start, n = column.offset * width, len(column)
        # The list array's own child and offset: flatten() says the same, through a compute function.
        flat: np.ndarray = column.values.to_numpy(zero_copy_only=False)[start : start + n * width]
        return flat.reshape(n, width)

    @cached_property
    def timestamps(self) -> Int64[np.ndarray, " n"]:
        """µs since 1970 UTC; read-only and without a copy."""
        if isinstance(self.source, Single):
            return np.array([self.source.time])
        times: np.ndarray = self.record.column(1).to_numpy(zero_copy_only=False)
        return times

    @cached_property
    def event_ids(self) -> list[str]:
        """Ids of the events."""
        if isinstance(self.source, Single):
            return [self.source.event_id]
        ids: list[str] = self.record.column(0).to_pylist()
        return ids

    @cached_property
    def event_types(self) -> Categorical:
        """Types of the events."""
        if isinstance(self.source, Single):
            return self.source.word("event_type")
        return self._categorical("event_type", self.record.column(2))

    @cached_property
    def entities(self) -> Categorical:
        """Entities: the routing key."""
        if isinstance(self.source, Single):
            return self.source.word("entity")
        return self._categorical("entity", self.record.column(3))

    @cached_property
    def category_names(self) -> tuple[str, ...]:
        """Names of the categories in ``metadata``."""
        if isinstance(self.source, Single):
            return tuple(self.source.kinds)
        kind = self.record.schema.field(5).type
        return tuple(kind.field(i).name for i in range(kind.num_fields))

    def category(self, name: str) -> Categorical:
        """One category; where an event does not have it, the word is "".

        Raises EventError for a name that the batch does not have.
        """
        if name not in self.category_names:
            raise EventError(f"no category {name!r}; the batch has {', '.join(self.category_names) or 'none'}")
        if isinstance(self.source, Single):
            return self.source.word(name)
        at = self.category_names.index(name)
        column = self.record.column(5)
        return self._categorical(f"metadata.{name}", column.field(at).slice(0, len(column)))

    def text(self, name: str) -> Text:
        """The words of one column as bytes: ``event_id``, ``event_type``, ``entity``, or a category.

        Raises EventError for a category that the batch does not have.
        """
        if isinstance(self.source, Single):
            event = self.source
            return text_of_words((event.event_id if name == "event_id" else event.text(name),))
        if name == "event_id":
            return text_of_ids(self.record.column(0))
        if name in self.category_names:
            column = self.record.column(5)
            return text_of(column.field(self.category_names.index(name)).slice(0, len(column)))
        if name in {"event_type", "entity"}:
            return text_of(self.record.column(name))
        raise EventError(f"no category {name!r}; the batch has {', '.join(self.category_names) or 'none'}")

    def column(self, name: str) -> Float64[np.ndarray, " n"]:
        """One feature. Raises EventError for a name that the batch does not have."""
        if name not in self.names:
            raise EventError(f"no feature {name!r}; the batch has {', '.join(self.names) or 'none'}")
        return self.values[:, self.names.index(name)]

    @property
    def checked(self) -> bool:
        """Whether ``check`` has found nothing, in this batch or in one that it is a part of."""
        return "sound" in self.__dict__

    def check(self) -> None:
        """Raise EventError on NaN, infinity, or an event id that comes twice. No events at all are no error."""
        if self.checked:
            return
        finite = np.isfinite(self.values)
        if not finite.all():
            row, at = (int(i) for i in np.argwhere(~finite)[0])
            raise EventError(
                f"event {self.event_ids[row]!r} has {self.names[at]} = {self.values[row, at]}; "
                "features must be finite numbers: leave the event out, or fill the value in before publishing"
            )
        if len(self) > 1 and pc.count_distinct(self.record.column(0)).as_py() != len(self):
            raise EventError(
                f"event id {first_repeat(self.event_ids)!r} comes twice; ids must be unique: keep one of the events, "
                "or leave the ids out to have them counted"
            )
        self.__dict__["sound"] = True

    def _categorical(self, key: str, column: pa.DictionaryArray) -> Categorical:
        if key not in self._vocabularies:
            self._vocabularies[key] = tuple(column.dictionary.to_pylist())
        vocabulary = self._vocabularies[key]
        if not column.null_count:
            return Categorical(column.indices.to_numpy(zero_copy_only=False), vocabulary)
        if "" not in vocabulary:
            vocabulary = (*vocabulary, "")
        codes = column.indices.fill_null(vocabulary.index("")).to_numpy(zero_copy_only=False)
        return Categorical(codes, vocabulary)


def _decoded(record: pa.RecordBatch) -> pa.Table:
    """Words as plain strings, so that two codings of the same words compare equal."""
    words = {name: record.column(name).cast(pa.string()) for name in ("event_type", "entity")}
    metadata = record.column("metadata")
    kinds = {f"metadata.{part.name}": pc.struct_field(metadata, part.name).cast(pa.string()) for part in metadata.type}
    plain = {name: record.column(name) for name in ("event_id", "timestamp", "features")}
    return pa.table({**plain, **words, **kinds})
