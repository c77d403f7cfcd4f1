"""Messages turned into events: runs of Avro messages put together, Arrow messages as they are, the rest set aside."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from snnlab.errors import EventError
from snnlab.events import EventBatch, avro
from snnlab.events.trace import with_traceparents
from snnlab.streams.pulsar import wire
from snnlab.streams.pulsar.position import Place, rows

if TYPE_CHECKING:
    import pulsar

__all__ = ["Decoder", "Piece", "Poison"]

_NOTHING = EventBatch.from_columns(np.empty((0, 0)), [])
_PARENT = "traceparent"  # the property of W3C's Trace Context, which producers of any make write


@dataclass(frozen=True)
class Poison:
    """A message that holds no events: where it is, its bytes, and why it cannot be read."""

    place: Place
    body: bytes
    reason: str


@dataclass(frozen=True)
class Piece:
    """Events with their positions; without events, one position at which there are none."""

    positions: Sequence[int]
    batch: EventBatch


class Decoder:
    """Adds the events of entries to ``pieces``; Avro events, one a message, are put together while their names last.

    ``poisoned`` is given each message that cannot be read.
    """

    def __init__(self, features: tuple[str, ...], poisoned: Callable[[Poison], None], pieces: deque[Piece]) -> None:
        self._features = features
        self._poisoned = poisoned
        self._pieces = pieces
        self._names: tuple[tuple[str, ...], tuple[str, ...] | None] = ((), None)
        self._records: list[bytes] = []
        self._positions: list[int] = []
        self._parents: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._records)

    def add(self, place: Place, messages: "list[pulsar.Message]") -> None:
        """Take an entry."""
        positions = rows(place.ledger, place.entry, len(messages))
        for message, position in zip(messages, positions, strict=True):
            body, properties = message.data(), message.properties()
            try:
                if wire.is_arrow(properties):
                    self._add_arrow(body, place, properties.get(_PARENT), alone=len(messages) == 1)
                else:
                    self._add_avro(body, wire.avro_names(body, properties, self._features), position)
                    if parent := properties.get(_PARENT):
                        self._parents[parent] = None
            except EventError as wrong:
                self._poisoned(Poison(place, body, str(wrong)))
                self._pass_over(position)

    def _pass_over(self, position: int) -> None:
        """Nothing stands at a position, which is read nevertheless."""
        self.flush()
        self._pieces.append(Piece([position], _NOTHING))

    def flush(self) -> None:
        """Give what was put together."""
        records, positions = self._records, self._positions
        parents, self._parents = self._parents, {}
        self._records, self._positions = [], []
        if not records:
            return
        try:
            batch = avro.decode_events(records, *self._names)
            self._pieces.append(Piece(positions, with_traceparents(batch, parents) if parents else batch))
        except EventError as wrong:
            if len(records) == 1:
                self._poisoned(Poison(Place.of(positions[0]), records[0], str(wrong)))
                self._pieces.append(Piece(positions, _NOTHING))
                return
            for record, position in zip(records, positions, strict=True):
                self._records, self._positions, self._parents = [record], [position], dict(parents)
                self.flush()

    def _add_arrow(self, body: bytes, place: Place, parent: str | None, *, alone: bool) -> None:
        self.flush()
        if not alone:
            raise EventError("an Arrow message in a batch of the client; send it by itself: it is a batch already")
        batch = wire.arrow_events(body)
        if parent is not None:
            batch = with_traceparents(batch, [parent])
        self._pieces.append(Piece(rows(place.ledger, place.entry, max(len(batch), 1)), batch))

    def _add_avro(self, body: bytes, names: tuple[tuple[str, ...], tuple[str, ...] | None], position: int) -> None:
        if self._records and names != self._names:
            self.flush()
        self._names = names
        self._records.append(body)
        self._positions.append(position)
