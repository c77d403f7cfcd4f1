"""What a shard takes of a batch: plain arrays, looked up once for all shards."""

from struct import pack
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int32, Int64, UInt32

from snnlab.events import EventBatch
from snnlab.events.columns import Single
from snnlab.events.text import Text
from snnlab.features import FeatureBank
from snnlab.features.readonly import readonly
from snnlab.features.symbols import checksum_of, checksums_of, symbol_of, symbols_of_text
from snnlab.types import Array

__all__ = ["Columns"]


class Columns(NamedTuple):
    """``n`` events as arrays, which are not written to.

    ``owners`` are the entities' names and ``entities`` their symbols; ``marks`` are checksums of the events' ids;
    ``words`` are the symbols of the columns of words that features read.
    """

    times: Int64[np.ndarray, " n"]
    values: Float64[np.ndarray, "n f"]
    owners: Text
    entities: Int32[np.ndarray, " n"]
    marks: UInt32[np.ndarray, " n"]
    words: Int32[np.ndarray, "n w"]
    layout: tuple[tuple[str, ...], tuple[str, ...]]

    @classmethod
    def of(cls, batch: EventBatch, bank: FeatureBank) -> "Columns":
        """The columns of a batch that these features, and the road after them, read."""
        if isinstance(batch.source, Single):
            return cls._of_one(batch, batch.source, bank)
        owners = batch.text("entity")
        times, values = readonly(batch.timestamps, np.int64), readonly(batch.values, np.float64)
        entities, marks = _kept(symbols_of_text(owners)), _kept(checksums_of(batch.text("event_id")))
        layout = batch.names, batch.category_names
        return cls(times, values, owners, entities, marks, _kept(bank.symbols(batch)), layout)

    @classmethod
    def _of_one(cls, batch: EventBatch, event: Single, bank: FeatureBank) -> "Columns":
        """The same of one event that is not Arrow's, without making columns of its words first."""
        name, words = event.entity.encode("utf-8", "surrogatepass"), bank.words
        # The bytes of all small arrays at once: to view them costs a third of making each.
        symbols = (symbol_of(event.text(word)) for word in words)
        head = 0, len(name), symbol_of(event.entity), checksum_of(event.event_id)
        raw = pack(f"=iiiI{len(words)}i", *head, *symbols)
        return cls(
            readonly(batch.timestamps, np.int64),
            readonly(event.values, np.float64),
            Text(_FIRST, np.frombuffer(raw, np.int32, 2, 0), np.frombuffer(name, np.uint8)),
            np.frombuffer(raw, np.int32, 1, 8),
            np.frombuffer(raw, np.uint32, 1, 12),
            np.frombuffer(raw, np.int32, len(words), 16).reshape(1, -1) if words else _NO_WORDS,
            (batch.names, batch.category_names),
        )

    def part(self, at: slice | Int64[np.ndarray, " k"]) -> "Columns":
        """Some of the events, in their order."""
        if isinstance(at, slice) and at == slice(0, self.times.size):
            return self
        owners = self.owners.only(self.owners.codes[at])
        times, values = readonly(self.times[at], np.int64), readonly(self.values[at], np.float64)
        entities, marks, words = _kept(self.entities[at]), _kept(self.marks[at]), _kept(self.words[at])
        return Columns(times, values, owners, entities, marks, words, self.layout)


def _kept(array: Array) -> Array:
    """An array of our own that is not written to any more: a kernel is then compiled once for all."""
    array.flags.writeable = False
    return array


_FIRST, _NO_WORDS = _kept(np.zeros(1, np.int32)), _kept(np.zeros((1, 0), np.int32))
