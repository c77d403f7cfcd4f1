"""What a shard takes of a batch: plain arrays, looked up once for all shards."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int32, Int64, UInt32

from snnlab.events import EventBatch
from snnlab.events.columns import Single
from snnlab.events.text import Text, text_of_words
from snnlab.features import FeatureBank
from snnlab.features.readonly import readonly
from snnlab.features.symbols import checksum_of, checksums_of, symbol_of, symbols_of_text

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
        marks = checksums_of(batch.text("event_id"))
        layout = batch.names, batch.category_names
        return cls(times, values, owners, symbols_of_text(owners), marks, bank.symbols(batch), layout)

    @classmethod
    def _of_one(cls, batch: EventBatch, event: Single, bank: FeatureBank) -> "Columns":
        """The same of one event that is not Arrow's, without making columns of its words first."""
        return cls(
            batch.timestamps,
            readonly(event.values, np.float64),
            text_of_words((event.entity,)),
            np.array((symbol_of(event.entity),), np.int32),
            np.array((checksum_of(event.event_id),), np.uint32),
            np.array([[symbol_of(event.text(name)) for name in bank.words]], np.int32),
            (batch.names, batch.category_names),
        )

    def part(self, at: slice | Int64[np.ndarray, " k"]) -> "Columns":
        """Some of the events, in their order."""
        if isinstance(at, slice) and at == slice(0, self.times.size):
            return self
        owners = self.owners.only(self.owners.codes[at])
        times, values = readonly(self.times[at], np.int64), readonly(self.values[at], np.float64)
        return Columns(times, values, owners, self.entities[at], self.marks[at], self.words[at], self.layout)
