"""A topic read entry by entry from any place, and a shard read event by event."""

import time
from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from snnlab.events import EventBatch
from snnlab.streams.pulsar.decoding import Decoder, Piece, Poison
from snnlab.streams.pulsar.position import Place

if TYPE_CHECKING:
    import pulsar

__all__ = ["ShardReader", "TopicReader"]

_PATIENCE_MS = 20_000
_PAUSE_S = 0.01
_AHEAD = 1000  # events decoded to see whether there are any
_QUEUE = 64  # messages that wait here, so that a slow reader slows the broker down and not its own memory


class TopicReader:
    """A topic from a place on. An entry is one message, or the messages that a producer batched.

    After a batch the reader begins with that batch again: the place names the entry, and Pulsar its messages.
    """

    def __init__(self, client: "pulsar.Client", topic: str, after: Place | None) -> None:
        import pulsar

        start = pulsar.MessageId.earliest
        if after is not None:
            _, partitioned, shard = topic.rpartition("-partition-")
            start = pulsar.MessageId(int(shard) if partitioned else -1, after.ledger, after.entry, -1)
        self._reader = client.create_reader(topic, start, receiver_queue_size=_QUEUE)
        self._ahead: pulsar.Message | None = None

    def waiting(self) -> bool:
        """Whether there is more, as the broker says."""
        return self._ahead is not None or bool(self._reader.has_message_available())

    def arrived(self) -> bool:
        """Whether there is more here already; the broker is not asked."""
        import pulsar

        if self._ahead is None:
            with suppress(pulsar.Timeout):
                self._ahead = self._reader.read_next(timeout_millis=0)
        return self._ahead is not None

    def entry(self) -> "tuple[Place, list[pulsar.Message]] | None":
        """The next entry; None at the end of what is there."""
        first = self._next() if self._ahead is None else self._ahead
        self._ahead = None
        if first is None:
            return None
        told = first.message_id()
        messages, at = [first], (told.ledger_id(), told.entry_id())
        if told.batch_index() < 0:
            return Place(*at), messages
        while (message := self._next()) is not None:
            told = message.message_id()
            if (told.ledger_id(), told.entry_id()) != at:
                self._ahead = message
                break
            messages.append(message)
        return Place(*at), messages

    def _next(self) -> "pulsar.Message | None":
        if not self._reader.has_message_available():
            return None
        return self._reader.read_next(timeout_millis=_PATIENCE_MS)

    def since(self, time_us: int) -> Place | None:
        """Go to the first entry published at a time or later, and tell its place; None where there is none.

        What the client had fetched before it sought may still come: it is passed over.
        """
        time_ms = time_us // 1000
        self._reader.seek(time_ms)
        self._ahead = None
        self._settle()
        while (found := self.entry()) is not None:
            at, messages = found
            if messages[-1].publish_timestamp() >= time_ms:
                return at
        return None

    def _settle(self) -> None:
        """Wait until the broker has taken the reader back: it lets go of one that seeks, and knows no end meanwhile."""
        import pulsar

        until = time.monotonic() + _PATIENCE_MS / 1000
        while True:
            try:
                self._reader.has_message_available()
            except pulsar.exceptions.BrokerMetadataError:
                if time.monotonic() > until:
                    raise
                time.sleep(_PAUSE_S)
            else:
                return

    def close(self) -> None:
        """Let go of the topic."""
        with suppress(Exception):  # it is given up, however it closes
            self._reader.close()


class ShardReader:
    """The events of one shard. ``poisoned`` is given each message that cannot be read; the shard goes on after it."""

    def __init__(
        self,
        open_topic: Callable[[Place | None], TopicReader],
        features: tuple[str, ...],
        poisoned: Callable[[Poison], None],
    ) -> None:
        self._open = open_topic
        self._features = features
        self._poisoned = poisoned
        self._topic: TopicReader | None = None
        self._after: int | None = None
        self._pieces: deque[Piece] = deque()
        self._messages = 0  # decoded so far

    @property
    def after(self) -> int | None:
        """The position up to which it has read."""
        return self._after

    def waiting(self, after: int | None) -> bool:
        """Whether there is more after a position."""
        topic = self._at(after)
        return bool(self._pieces) or self._fill(topic, _AHEAD, topic.waiting)

    def read(self, after: int | None, limit: int) -> list[tuple[int, EventBatch]]:
        """Up to ``limit`` events after a position, as batches with the position of each one's last event.

        Where the last of what was read holds no events, a batch of none tells its position.
        """
        topic = self._at(after)
        return self._read(topic, limit, topic.waiting)

    def arrived(self, after: int | None, limit: int) -> list[tuple[int, EventBatch]]:
        """As ``read``, of what the broker has sent by now; where that is several messages, of what it has, too.

        Few messages lie here: who is behind would be given small batches of them.
        """
        topic = self._at(after)
        before = self._messages
        read = self._read(topic, limit, topic.arrived)
        rest = limit - sum(len(batch) for _, batch in read)
        return read + self._read(topic, rest, topic.waiting) if self._messages - before > 1 else read

    def _read(self, topic: TopicReader, limit: int, more: Callable[[], bool]) -> list[tuple[int, EventBatch]]:
        read: list[tuple[int, EventBatch]] = []
        while limit > 0 and (self._pieces or self._fill(topic, limit, more)):
            piece = self._pieces.popleft()
            taken = min(limit, len(piece.batch))
            read.append((piece.positions[taken - 1], piece.batch.slice(0, taken)))
            if taken < len(piece.batch):
                rest = piece.batch.slice(taken, len(piece.batch))
                self._pieces.appendleft(Piece(piece.positions[taken:], rest))
            limit -= taken
            self._after = read[-1][0]
        return [one for one in read[:-1] if len(one[1])] + read[-1:]

    def close(self) -> None:
        """Let go of the topic."""
        if self._topic is not None:
            self._topic.close()
            self._topic = None

    def _at(self, after: int | None) -> TopicReader:
        """The topic, read up to a position."""
        if self._topic is None or after != self._after:
            self.close()
            self._pieces.clear()
            place = None if after is None else Place.of(after)
            self._topic = self._open(None if place is None else place.whole)
            self._after = after
        return self._topic

    def _fill(self, topic: TopicReader, limit: int, more: Callable[[], bool]) -> bool:
        """Decode entries until there are events to give; False where there are no more."""
        together = Decoder(self._features, self._poisoned, self._pieces)
        while not self._pieces and more() and (found := topic.entry()) is not None:
            together.add(*found)
            self._messages += len(found[1])
            if len(together) >= limit or not more():
                together.flush()
        together.flush()
        if self._pieces:
            self._skip()
        return bool(self._pieces)

    def _skip(self) -> None:
        """Leave out what was given before: the entry of a position inside it is read from its beginning."""
        if self._after is None:
            return
        while self._pieces and self._pieces[0].positions[0] <= self._after:
            piece = self._pieces.popleft()
            at = bisect_right(piece.positions, self._after)
            if at < len(piece.batch):
                self._pieces.appendleft(Piece(piece.positions[at:], piece.batch.slice(at, len(piece.batch))))
