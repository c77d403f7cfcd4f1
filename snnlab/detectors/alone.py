"""One event by itself along the road: a live stream comes so, and arrays made for each would cost as much as its score.

There is room for one event, made once; what is known of an entity must be there already. Anything else (a new entity, a
name too long for the room) goes the way of batches, which says the same.
"""

from typing import final

import numpy as np

from snnlab.detectors.judgement import Judgement
from snnlab.detectors.outcome import Outcome
from snnlab.detectors.pool import EntityPool
from snnlab.detectors.pool_table import PoolTable, seen
from snnlab.detectors.road import ALL, travel
from snnlab.detectors.road_arrays import Passage
from snnlab.events.columns import Single
from snnlab.features.symbols import checksum_of, symbol_of
from snnlab.reservoirs.engines.native.frame import Frame, frame_of
from snnlab.types import Array

__all__ = ["Alone"]

_LONGEST = 256
"""Bytes of a name that there is room for."""
_FIRST = np.zeros(1, np.int64)
_FIRST.flags.writeable = False


@final
class Alone:
    """Room for one event with so many features, and these words, before a road."""

    def __init__(
        self, road: Frame, features: int, words: tuple[str, ...], spikes: tuple[Array, Array], out: Judgement,
        pattern: Array,
    ) -> None:  # fmt: skip
        """``spikes`` are the road's room for addresses and ticks; ``out`` and ``pattern`` are for one event."""
        self._words = words
        self._time, self._values = np.zeros(1, np.int64), np.zeros((1, features))
        self._mark, self._row = np.zeros(1, np.uint32), np.zeros(1, np.int32)
        self._symbols = np.zeros(1 + len(words), np.int32)
        self._out, self._pattern = out, pattern
        self._name = np.zeros(_LONGEST, np.uint8)
        self._bytes = self._name.data
        self._table: PoolTable | None = None
        entity, others = self._symbols[:1], self._symbols[1:].reshape(1, -1)
        given = (_read(array) for array in (self._time, self._values, entity, self._mark, others))
        time, values, entities, marks, symbols = given
        passage = Passage(time, values, self._row, entities, marks, symbols, *spikes, out, pattern)
        self._call = frame_of(road, passage)

    def judge(self, event: Single, pool: EntityPool, *, learn: bool) -> Outcome | None:
        """What the road says of an event; None where it must go the way of batches, and nothing has happened."""
        if not self._found(event.entity, pool.table):
            return None
        self._time[0], self._values[0] = event.time, event.values[0]
        self._symbols[0], self._mark[0] = symbol_of(event.entity), checksum_of(event.event_id)
        for at, column in enumerate(self._words, start=1):
            self._symbols[at] = symbol_of(event.text(column))
        rejected = travel(self._call, learn, ALL)
        judged = Judgement(*[array.copy() for array in self._out])
        if not rejected:
            return Outcome(judged, self._pattern.copy())
        none = Outcome(Judgement(*(array[:0] for array in judged)), self._pattern[:0])
        return Outcome.without(none, _FIRST, 1)

    def _found(self, entity: str, table: PoolTable) -> bool:
        """Find the row of an entity, which was seen just now."""
        name = entity.encode("utf-8", "surrogatepass")
        if len(name) > _LONGEST:
            return False
        if table is not self._table:
            self._table, self._rows = table, frame_of(table, self._name)
        self._bytes[: len(name)] = name
        self._row[0] = row = seen(self._rows, len(name))
        return bool(row >= 0)


def _read(array: Array) -> Array:
    """The same array as kernels take what comes in: read-only."""
    view = array.view()
    view.flags.writeable = False
    return view
