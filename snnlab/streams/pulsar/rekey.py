"""Rekey: events of producers that cannot key them, republished to the shards of their entities."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from snnlab.errors import BusError
from snnlab.events import EventBatch, avro
from snnlab.events.trace import traceparents, with_traceparents
from snnlab.streams.pulsar.bus import PulsarBus
from snnlab.streams.pulsar.decoding import Decoder, Piece, Poison
from snnlab.streams.pulsar.position import Place
from snnlab.streams.pulsar.sending import told

if TYPE_CHECKING:
    import pulsar

__all__ = ["Rekey", "Rekeyed"]

_AT_ONCE = 1000
_AGAIN_MS = 1000


@dataclass(frozen=True)
class Rekeyed:
    """What a round did: events republished, and messages or events set aside."""

    published: int
    dead: int


class Rekey:
    """Reads a raw topic under a Shared subscription, as many processes as there are, and publishes to a stream.

    ``key`` names the entry of an event's metadata that is its entity, ``entity`` unless said. What cannot be read or
    has no key becomes a dead letter of the stream; what the broker does not take is acknowledged negatively, and comes
    again. Nothing is lost, some may come twice; the order of an entity's events is that in which they are delivered.
    """

    def __init__(self, bus: PulsarBus, raw: str, stream: str, *, key: str = avro.ENTITY) -> None:
        import pulsar

        bus.stream(stream)
        self._bus = bus
        self._raw = raw
        self._stream = stream
        self._key = key
        with told(f"subscribing to {raw!r}"):
            self._consumer = bus.subscribe(
                raw,
                f"rekey-{stream}",
                consumer_type=pulsar.ConsumerType.Shared,
                initial_position=pulsar.InitialPosition.Earliest,
                negative_ack_redelivery_delay_ms=_AGAIN_MS,
                batch_receive_policy=pulsar.ConsumerBatchReceivePolicy(_AT_ONCE, 10 * 2**20, 100),
            )

    def step(self) -> Rekeyed:
        """One round: what has come within a tenth of a second. Raises BusError where the broker does not answer."""
        with told(f"reading {self._raw!r}"):
            messages = self._consumer.batch_receive()
        if not messages:
            return Rekeyed(0, 0)
        try:
            done = self._republish(messages)
        except BusError:
            for message in messages:
                self._consumer.negative_acknowledge(message)
            raise
        for message in messages:
            self._consumer.acknowledge(message)
        return done

    def close(self) -> None:
        """Leave the raw topic to others."""
        with told(f"closing {self._raw!r}"):
            self._consumer.close()

    def _republish(self, messages: "Sequence[pulsar.Message]") -> Rekeyed:
        pieces: deque[Piece] = deque()
        poison: list[Poison] = []
        decoder = Decoder(self._bus.address.features, poison.append, pieces)
        for message in messages:
            place = message.message_id()
            decoder.add(Place(place.ledger_id(), place.entry_id()), [message])
        decoder.flush()
        for one in poison:
            self._bus.set_aside(self._stream, self._raw, one)
        published, dead = 0, len(poison)
        for piece in pieces:
            keyed, lacking = self._keyed(piece.batch)
            done = self._bus.publish(self._stream, keyed)
            published += done.accepted
            dead += done.dead + self._lack(lacking)
        return Rekeyed(published, dead)

    def _keyed(self, batch: EventBatch) -> tuple[EventBatch, EventBatch]:
        """The events with their entity, and those without."""
        if self._key == avro.ENTITY:
            return batch, batch.slice(0, 0)
        if self._key not in batch.category_names:
            return batch.slice(0, 0), batch
        words = np.array(batch.category(self._key).words())
        keyed = batch.take(np.flatnonzero(words != ""))
        columns = {name: keyed.category(name).words() for name in keyed.category_names}
        with_entity = EventBatch.from_columns(
            keyed.values,
            keyed.names,
            timestamps=keyed.timestamps,
            event_ids=keyed.event_ids,
            event_types=keyed.event_types.words(),
            entities=keyed.category(self._key).words(),
            categories=columns,
        )
        return with_traceparents(with_entity, traceparents(batch)), batch.take(np.flatnonzero(words == ""))

    def _lack(self, batch: EventBatch) -> int:
        reason = f"no {self._key!r} in metadata, by which events are to be keyed"
        return self._bus.dead_letter(self._stream, batch, [reason] * len(batch)) if len(batch) else 0
