"""What every event bus can do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Protocol, Self, runtime_checkable

from snnlab.events import EventBatch
from snnlab.events.anomaly import Anomaly

__all__ = ["Backlog", "Bus", "DeadLetter", "Hear", "OnBadRow", "Published", "StreamInfo", "Told"]

OnBadRow = Literal["dead_letter", "refuse"]
"""What becomes of an event that cannot be scored: set aside with its reason, or the whole publish call refused."""


@dataclass(frozen=True)
class StreamInfo:
    """A stream: its number of shards is fixed when it is made; ``created_at`` is µs since 1970 UTC."""

    name: str
    shards: int
    created_at: int


@dataclass(frozen=True)
class Published:
    """What became of one publish call: events accepted, events set aside, and each shard's last position."""

    accepted: int
    dead: int
    positions: dict[int, int]


@dataclass(frozen=True)
class Backlog:
    """What a stream holds that a subscription has not acknowledged.

    ``messages`` counts as the bus keeps them, each up to 4,096 events of one shard, one acknowledged in part as a
    whole. ``oldest_at`` is when the first of them was published (µs since 1970 UTC); None where there is none, or
    where the subscription has not begun.
    """

    messages: int
    oldest_at: int | None


@dataclass(frozen=True)
class DeadLetter:
    """An event set aside: why, when (µs since 1970 UTC), and when it was published again, if it was."""

    id: int
    stream: str
    event_id: str
    reason: str
    at: int
    replayed_at: int | None
    event: EventBatch


@dataclass(frozen=True)
class Told:
    """Anomalies just published, with their positions; ``before`` is the last position before them."""

    before: int
    anomalies: tuple[tuple[int, Anomaly], ...]


Hear = Callable[[Told | None], None]
"""Is given the anomalies that came to a stream, or None where some may have come: then they are to be read."""


@runtime_checkable
class Bus(Protocol):
    """Streams of events in shards, read in order by position.

    An entity's events are all in one shard, in the order in which they were published. Positions of a shard are whole
    numbers that grow and are never given twice. Every method raises BusError where the bus cannot do what was asked,
    and BusCorrupt where what it holds is damaged; the message names the way out.
    """

    def create(self, stream: str, shards: int = 8) -> StreamInfo:
        """Make a stream; an existing one with as many shards is left as it is, with another number it is refused."""

    def streams(self) -> list[StreamInfo]:
        """The streams there are, by name."""

    def stream(self, name: str) -> StreamInfo:
        """One stream. Raises BusError where there is none of that name."""

    def publish(self, stream: str, batch: EventBatch, *, bad_rows: OnBadRow = "dead_letter") -> Published:
        """Append events, each to the shard of its entity.

        Events with a NaN or an infinity, and later events of an id that the same call already gave, are dead
        letters; with ``bad_rows="refuse"`` they raise EventError and nothing is published.
        """

    def consume(
        self, stream: str, shard: int, after: int | None = None, limit: int = 1000
    ) -> list[tuple[int, EventBatch]]:
        """Up to ``limit`` events after a position, in order, as batches with the position of each one's last event.

        The last of them may hold no event, where what stood there could not be read: its position is read nevertheless.
        """

    def arrived(
        self, stream: str, shard: int, after: int | None = None, limit: int = 1000
    ) -> list[tuple[int, EventBatch]]:
        """As ``consume``, of what has come here by itself: no broker is asked for more.

        It may be none where there are some; ``waiting`` knows.
        """

    def positions(self, stream: str) -> dict[int, int]:
        """The last position of each shard that holds events."""

    def waiting(self, stream: str, shard: int, after: int | None = None) -> bool:
        """Whether a shard holds events after a position."""

    def position_at(self, stream: str, shard: int, at: int) -> int | None:
        """The position after which come the events that were published at a time (µs since 1970 UTC) or later.

        None is before the first event.
        """

    def assigned(self, subscription: str, stream: str) -> list[int]:
        """The shards that this opening of the bus is to work on under a subscription, until it leaves.

        A bus that balances gives each shard to one of the openings that ask, and to another when that one is gone; one
        that does not gives all to each, and the store's leases decide.
        """

    def leave(self, subscription: str, stream: str) -> None:
        """Leave the shards of a subscription to other openings."""

    def commit(self, subscription: str, stream: str, shard: int, position: int) -> None:
        """Acknowledge a shard's events up to a position; an earlier position than the committed one changes nothing."""

    def committed(self, subscription: str, stream: str, shard: int) -> int | None:
        """The position up to which a subscription has acknowledged a shard; None before its first.

        A bus may keep less than was committed, never more: whole messages only, or what has arrived by now.
        """

    def backlog(self, subscription: str, stream: str) -> Backlog:
        """What a subscription has not acknowledged of a stream."""

    def seek(self, subscription: str, stream: str, shard: int, position: int | None) -> None:
        """Set a subscription's position, forward or back; None is before the first event."""

    def publish_anomalies(self, stream: str, anomalies: Sequence[Anomaly], *, synced: bool = True) -> int:
        """Append to the stream's anomalies; returns the last position.

        Where they need not be ``synced``, a bus on a disk may leave that to what is written after them.
        """

    def consume_anomalies(self, stream: str, after: int | None = None, limit: int = 1000) -> list[tuple[int, Anomaly]]:
        """Up to ``limit`` anomalies of a stream after a position, in order."""

    def listen(self, stream: str, hear: Hear) -> Callable[[], None]:
        """Call ``hear``, on any thread, when anomalies of a stream have come, until what is returned is called.

        Whoever published them: at once where it was this opening of the bus, else soon.
        """

    def dead_letter(self, stream: str, batch: EventBatch, reasons: Sequence[str]) -> int:
        """Set events aside, one reason an event; returns how many."""

    def dead_letters(self, stream: str, after: int | None = None, limit: int = 1000) -> list[DeadLetter]:
        """Up to ``limit`` dead letters of a stream with an id above ``after``, in order."""

    def dead_letter_count(self, stream: str) -> int:
        """Dead letters of a stream that were not published again."""

    def replay_dead_letters(self, stream: str, ids: Sequence[int] | None = None) -> Published:
        """Publish dead letters again, those named or all that were not yet; ones that still cannot be scored stay."""

    def close(self) -> None:
        """Let go of connections and files."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
