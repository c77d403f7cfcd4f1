"""Messages turned into events: runs of Avro messages put together, Arrow messages as they are, the rest set aside."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from snnlab.errors import EventError
from snnlab.events import EventBatch, avro
from snnlab.streams.pulsar import wire
from snnlab.streams.pulsar.position import Place, rows

if TYPE_CHECKING:
    import pulsar

__all__ = ["Decoder", "Piece", "Poison"]


@dataclass(frozen=True)
class Poison:
    """A message that holds no events: where it is, its bytes, and why it cannot be read."""

    place: Place
    body: bytes
    reason: str


@dataclass(frozen=True)
class Piece:
    """Events with their positions."""

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

    def __len__(self) -> int:
        return len(self._records)

    def add(self, place: Place, messages: "list[pulsar.Message]") -> None:
        """Take an entry."""
        positions = rows(place.ledger, place.entry, len(messages))
        for message, position in zip(messages, positions, strict=True):
            body, properties = message.data(), message.properties()
            try:
                if wire.is_arrow(properties):
                    self._add_arrow(body, place, alone=len(messages) == 1)
                else:
                    self._add_avro(body, wire.avro_names(body, properties, self._features), position)
            except EventError as wrong:
                self._poisoned(Poison(place, body, str(wrong)))

    def flush(self) -> None:
        """Give what was put together."""
        records, positions = self._records, self._positions
        self._records, self._positions = [], []
        if not records:
            return
        try:
            self._pieces.append(Piece(positions, avro.decode_events(records, *self._names)))
        except EventError as wrong:
            if len(records) == 1:
                self._poisoned(Poison(Place.of(positions[0]), records[0], str(wrong)))
                return
            for record, position in zip(records, positions, strict=True):
                self._records, self._positions = [record], [position]
                self.flush()

    def _add_arrow(self, body: bytes, place: Place, *, alone: bool) -> None:
        self.flush()
        if not alone:
            raise EventError("an Arrow message in a batch of the client; send it by itself: it is a batch already")
        batch = wire.arrow_events(body)
        if len(batch):
            self._pieces.append(Piece(rows(place.ledger, place.entry, len(batch)), batch))

    def _add_avro(self, body: bytes, names: tuple[tuple[str, ...], tuple[str, ...] | None], position: int) -> None:
        if self._records and names != self._names:
            self.flush()
        self._names = names
        self._records.append(body)
        self._positions.append(position)
