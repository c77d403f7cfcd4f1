"""The bus on Apache Pulsar."""

import os
import re
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np

from snnlab.errors import BusError, ConfigError, EventError
from snnlab.events import EventBatch
from snnlab.events.anomaly import Anomaly
from snnlab.events.shards import shards_of
from snnlab.events.trace import traceparents
from snnlab.logs import logger
from snnlab.streams.base import Backlog, DeadLetter, Hear, OnBadRow, Published, StreamInfo
from snnlab.streams.pulsar import letters, wire
from snnlab.streams.pulsar.address import Address, PulsarSettings
from snnlab.streams.pulsar.admin import Admin
from snnlab.streams.pulsar.decoding import Poison
from snnlab.streams.pulsar.group import Group, partition
from snnlab.streams.pulsar.listening import Listener
from snnlab.streams.pulsar.pool import ReaderPool
from snnlab.streams.pulsar.position import Place
from snnlab.streams.pulsar.reading import ShardReader, TopicReader
from snnlab.streams.pulsar.sending import Producers, told
from snnlab.streams.sift import sift
from snnlab.streams.tracing import publishing

if TYPE_CHECKING:
    import pulsar

__all__ = ["PulsarBus"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_OWN = re.compile(r".*(-partition-\d+|\.anomalies|\.dead-letters|\.replayed-letters)")
_CREATED = "snnlab.created_at"
_PATIENCE_S = 20.0
_PAUSE_S = 0.05


def _now_us() -> int:
    return time.time_ns() // 1000


class PulsarBus:
    """Streams as partitioned topics of one namespace; see ``Bus`` for what each method does.

    A shard is one partition, read by a Reader from any position and acknowledged by a Failover subscription, which
    also says whose shard it is. A position names ledger, entry and event (``position.Place``); ``commit`` keeps whole
    entries, so ``committed`` may lie before what was committed inside one. Beside stream ``web`` there are the topics
    ``web.anomalies``, ``web.dead-letters`` and ``web.replayed-letters``.

    A publish call returns when the broker has every event; when it fails, some of them may be there already, and a new
    try sends all again. Threads may share a bus. Raises BusError where the broker refuses or does not answer; the next
    call connects again by itself.
    """

    def __init__(self, url: str, settings: PulsarSettings | None = None) -> None:
        try:
            import pulsar
        except ImportError as missing:
            raise ConfigError(f"{url!r} needs pulsar-client; install snnlab[serve], or use sqlite:///PATH") from missing
        self.address = Address.of(url, settings or PulsarSettings())
        self._client = pulsar.Client(self.address.service, **self.address.client_options())
        self._prefix = f"persistent://{self.address.namespace}"
        self._admin = Admin(self.address)
        self._producers = Producers(self._client, self._prefix)
        name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._group = Group(self._client, self._prefix, self._admin, name)
        self._readers = ReaderPool(self._shard)
        self._known: dict[str, StreamInfo] = {}

    def create(self, stream: str, shards: int = 8) -> StreamInfo:
        """Make a stream; an existing one with as many shards is left as it is, with another number it is refused."""
        if not _NAME.fullmatch(stream) or _OWN.fullmatch(stream):
            raise ConfigError(
                f"stream name {stream!r}: use letters, digits, '.', '_' and '-', at most 128, and none of the endings "
                "'-partition-N', '.anomalies', '.dead-letters' and '.replayed-letters'"
            )
        if not 1 <= shards <= 4096:
            raise ConfigError(f"{shards} shards for stream {stream!r}; 1 to 4096 are possible, 8 are usual")
        self._admin.make_namespace()
        self._admin.make_stream(stream, shards, {_CREATED: str(_now_us())})
        made = self._made(stream)
        if made.shards != shards:
            raise BusError(
                f"stream {stream!r} has {made.shards} shards, not {shards}; a stream keeps its shards: "
                "ask for as many, or make a stream of another name"
            )
        for topic in (_anomalies_of(stream), letters.letters_topic(stream), letters.marks_topic(stream)):
            self._admin.make_topic(topic)
        return made

    def streams(self) -> list[StreamInfo]:
        """The streams there are, by name; partitioned topics that others made are streams too."""
        return [found for name in self._admin.partitioned() if (found := self._look(name)) is not None]

    def stream(self, name: str) -> StreamInfo:
        """One stream. Raises BusError where there is none of that name."""
        if name not in self._known:
            found = self._look(name) if _NAME.fullmatch(name) else None
            if found is None:
                there = ", ".join(self._admin.partitioned()) or "none at all"
                raise BusError(f"no stream {name!r}, only {there}; make it with create({name!r})")
            self._known[name] = found
        return self._known[name]

    def publish(self, stream: str, batch: EventBatch, *, bad_rows: OnBadRow = "dead_letter") -> Published:
        """Append events, each to the shard of its entity; see ``Bus.publish``."""
        shards = self.stream(stream).shards
        good, reasons = sift(batch)
        if reasons and bad_rows == "refuse":
            raise EventError(f"{len(reasons)} of {len(batch)} events cannot be published; the first: {reasons[0]}")
        sound = batch.take(np.flatnonzero(good)) if reasons else batch
        with publishing("pulsar", stream, len(sound), traceparents(sound)):
            positions = self._send(stream, sound, shards)
        if reasons:
            self.dead_letter(stream, batch.take(np.flatnonzero(~good)), reasons)
        return Published(len(sound), len(reasons), positions)

    def consume(
        self, stream: str, shard: int, after: int | None = None, limit: int = 1000
    ) -> list[tuple[int, EventBatch]]:
        """Up to ``limit`` events after a position, in order; a message that holds none becomes a dead letter."""
        with self._reading(stream, shard, after) as reader:
            return reader.read(after, limit)

    def arrived(
        self, stream: str, shard: int, after: int | None = None, limit: int = 1000
    ) -> list[tuple[int, EventBatch]]:
        """Up to ``limit`` events after a position, of those that the broker has sent by now."""
        with self._reading(stream, shard, after) as reader:
            return reader.arrived(after, limit)

    def waiting(self, stream: str, shard: int, after: int | None = None) -> bool:
        """Whether a shard holds events after a position."""
        with self._reading(stream, shard, after) as reader:
            return reader.waiting(after)

    def positions(self, stream: str) -> dict[int, int]:
        """The last position of each shard that holds events."""
        last = {shard: self._admin.last(partition(stream, shard)) for shard in range(self.stream(stream).shards)}
        return {shard: place.position for shard, place in last.items() if place is not None}

    def position_at(self, stream: str, shard: int, at: int) -> int | None:
        """The position after which the events published at a time (µs since 1970 UTC) or later come."""
        self._check_shard(stream, shard)
        with told(f"reading {stream!r}, shard {shard}"):
            topic = self._topic(partition(stream, shard), None)
            try:
                found = topic.since(at) if topic.waiting() else None
            finally:
                topic.close()
        place = self._admin.last(partition(stream, shard)) if found is None else found.before
        return None if place is None else place.position

    def assigned(self, subscription: str, stream: str) -> list[int]:
        """The shards that Pulsar has given to this opening of the bus, which thereby joins the subscription."""
        return self._group.assigned(subscription, stream, self.stream(stream).shards)

    def leave(self, subscription: str, stream: str) -> None:
        """Give the shards of a subscription to others."""
        self._group.leave(subscription, stream)

    def commit(self, subscription: str, stream: str, shard: int, position: int) -> None:
        """Acknowledge a shard's events up to a position; an earlier one than the committed changes nothing."""
        self._check_shard(stream, shard)
        self._group.acknowledge(subscription, stream, shard, position)

    def committed(self, subscription: str, stream: str, shard: int) -> int | None:
        """The position up to which a subscription has acknowledged a shard; None before its first."""
        self._check_shard(stream, shard)
        return self._group.acknowledged(subscription, stream, shard)

    def backlog(self, subscription: str, stream: str) -> Backlog:
        """What a subscription has not acknowledged of a stream, in entries, as the broker counts them."""
        self.stream(stream)
        return self._admin.backlog(stream, subscription)

    def seek(self, subscription: str, stream: str, shard: int, position: int | None) -> None:
        """Set a subscription's position, forward or back; None is before the first event."""
        self._check_shard(stream, shard)
        self._group.reset(subscription, stream, shard, position)

    def publish_anomalies(self, stream: str, anomalies: Sequence[Anomaly], *, synced: bool = True) -> int:
        """Append to the stream's anomalies; returns the last position, -1 where there is none yet.

        When they are on a disk, the broker decides.
        """
        del synced
        self.stream(stream)
        topic = _anomalies_of(stream)
        if anomalies:
            with publishing("pulsar", topic, len(anomalies)):
                sent = self._producers.send("anomaly", {topic: [wire.sent_anomaly(one) for one in anomalies]})
            return sent[topic].position
        last = self._admin.last(topic)
        return -1 if last is None else last.position

    def consume_anomalies(self, stream: str, after: int | None = None, limit: int = 1000) -> list[tuple[int, Anomaly]]:
        """Up to ``limit`` anomalies of a stream after a position, in order."""
        self.stream(stream)
        place = None if after is None else Place.of(after)
        read: list[tuple[int, Anomaly]] = []
        with told(f"reading the anomalies of {stream!r}"):
            topic = self._topic(_anomalies_of(stream), None if place is None else place.whole)
            try:
                while len(read) < limit and (found := topic.entry()) is not None:
                    at, messages = found
                    for row, message in enumerate(messages):
                        here = at if row == len(messages) - 1 else Place(at.ledger, at.entry, row)
                        if place is None or here > place:
                            read.append((here.position, wire.anomaly_of(message.data(), message.properties())))
            finally:
                topic.close()
        return read[:limit]

    def listen(self, stream: str, hear: Hear) -> Callable[[], None]:
        """Call ``hear`` when anomalies of a stream come, whoever publishes them, until what is returned is called."""
        import pulsar

        self.stream(stream)

        with told(f"listening to the anomalies of {stream!r}"):
            topic = f"{self._prefix}/{_anomalies_of(stream)}"
            reader = self._client.create_reader(topic, pulsar.MessageId.latest, reader_listener=Listener(hear))

        def leave() -> None:
            with suppress(Exception):  # it is given up, however it closes
                reader.close()

        return leave

    def dead_letter(self, stream: str, batch: EventBatch, reasons: Sequence[str]) -> int:
        """Set events aside, one reason an event; returns how many."""
        self.stream(stream)
        if len(reasons) != len(batch):
            raise BusError(f"{len(reasons)} reasons for {len(batch)} events; give one an event")
        sent = letters.of_events(batch, reasons, _now_us())
        self._producers.send("letter", {letters.letters_topic(stream): sent})
        return len(batch)

    def set_aside(self, stream: str, topic: str, poison: Poison) -> None:
        """Set a message aside that holds no events; ``topic`` tells where it was."""
        sent = letters.of_poison(topic, poison, _now_us())
        self._producers.send("letter", {letters.letters_topic(stream): [sent]})
        logger("snnlab.streams").warning("dead letter", stream=stream, message=topic, reason=poison.reason)

    def subscribe(self, topic: str, subscription: str, **options: object) -> "pulsar.Consumer":
        """A consumer of any topic of the namespace, with options of the client's own."""
        return self._client.subscribe(f"{self._prefix}/{topic}", subscription, **options)

    def dead_letters(self, stream: str, after: int | None = None, limit: int = 1000) -> list[DeadLetter]:
        """Up to ``limit`` dead letters of a stream with an id above ``after``, in order."""
        self.stream(stream)
        with told(f"reading the dead letters of {stream!r}"):
            return letters.letters_after(self._topic, stream, after, limit)

    def dead_letter_count(self, stream: str) -> int:
        """Dead letters of a stream that were not published again."""
        self.stream(stream)
        return self._admin.entries(letters.letters_topic(stream)) - self._admin.entries(letters.marks_topic(stream))

    def replay_dead_letters(self, stream: str, ids: Sequence[int] | None = None) -> Published:
        """Publish dead letters again; a process that ends in the middle of it may publish one twice."""
        shards = self.stream(stream).shards
        with told(f"publishing dead letters of {stream!r} again"):
            marks = letters.Marks(self._client, f"{self._prefix}/{letters.marks_topic(stream)}")
            try:
                found = letters.chosen(letters.letters_after(self._topic, stream, None, None), stream, ids)
                able = [letter for letter in found if letter.event.names and sift(letter.event)[0].all()]
                positions: dict[int, int] = {}
                for letter in able:
                    positions |= self._send(stream, letter.event, shards)
                    marks.leave(letter.id, _now_us())
            finally:
                marks.close()
        return Published(len(able), len(found) - len(able), positions)

    def close(self) -> None:
        """Let go of every connection; the bus cannot be used any more."""
        self._readers.close()
        self._group.close()
        self._producers.close()
        self._admin.close()
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _made(self, name: str) -> StreamInfo:
        """A stream that was just made; Pulsar may at first know no more of it than its name."""
        until = time.monotonic() + _PATIENCE_S
        while self._look(name) is None and time.monotonic() < until:
            time.sleep(_PAUSE_S)
        return self.stream(name)

    def _look(self, name: str) -> StreamInfo | None:
        shards, properties = self._admin.metadata(name)
        return StreamInfo(name, shards, int(properties.get(_CREATED, 0))) if shards else None

    def _check_shard(self, stream: str, shard: int) -> None:
        shards = self.stream(stream).shards
        if not 0 <= shard < shards:
            raise BusError(f"stream {stream!r} has no shard {shard}; it has 0 to {shards - 1}")

    def _send(self, stream: str, batch: EventBatch, shards: int) -> dict[int, int]:
        """Publish events that can be scored; returns the last position by shard."""
        encode = wire.as_avro if self.address.encoding == "avro" else wire.as_arrow
        chosen = shards_of(batch.entities, shards)
        parts = {shard: np.flatnonzero(chosen == shard) for shard in np.unique(chosen).tolist()}
        sent = {
            partition(stream, shard): encode(batch if len(at) == len(batch) else batch.take(at))
            for shard, at in parts.items()
        }
        places = self._producers.send(self.address.encoding, sent)
        return {shard: places[partition(stream, shard)].position for shard in parts}

    @contextmanager
    def _reading(self, stream: str, shard: int, after: int | None) -> Iterator[ShardReader]:
        """A reader of a shard at a position."""
        self._check_shard(stream, shard)
        with told(f"reading {stream!r}, shard {shard}"), self._readers.at(stream, shard, after) as reader:
            yield reader

    def _shard(self, stream: str, shard: int) -> ShardReader:
        opened = partial(self._topic, partition(stream, shard))
        return ShardReader(opened, self.address.features, partial(self.set_aside, stream, f"{stream}/{shard}"))

    def _topic(self, topic: str, after: Place | None) -> TopicReader:
        return TopicReader(self._client, f"{self._prefix}/{topic}", after)


def _anomalies_of(stream: str) -> str:
    return f"{stream}.anomalies"
