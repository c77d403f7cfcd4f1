"""The workers of a subscription: Pulsar's Failover type gives each shard to one of them, and keeps how far it is."""

import time
from contextlib import suppress
from dataclasses import dataclass, field
from threading import RLock
from typing import TYPE_CHECKING

from snnlab.streams.pulsar.admin import Admin
from snnlab.streams.pulsar.position import Place
from snnlab.streams.pulsar.sending import told

if TYPE_CHECKING:
    import pulsar

__all__ = ["Group", "partition"]

_LOOK_S = 1.0  # how often the broker is asked which shards are whose
_TRAVEL_S = 2.0  # longer than an acknowledgement is on its way


def partition(stream: str, shard: int) -> str:
    """The topic of a shard."""
    return f"{stream}-partition-{shard}"


@dataclass
class _Membership:
    consumers: "dict[int, pulsar.Consumer]"
    shards: list[int] = field(default_factory=list)
    looked_at: float = float("-inf")


class Group:
    """One opening's part in the subscriptions of a namespace.

    Consumers receive nothing, a reader does: they stand for who works on a shard, and acknowledge. A worker that dies
    loses its connections, and Pulsar gives its shards to the others.
    """

    def __init__(self, client: "pulsar.Client", prefix: str, admin: Admin, name: str) -> None:
        self._client = client
        self._prefix = prefix
        self._admin = admin
        self._name = name
        self._joined: dict[tuple[str, str], _Membership] = {}
        self._acknowledged: dict[tuple[str, str, int], tuple[int, float]] = {}
        self._lock = RLock()

    def assigned(self, subscription: str, stream: str, shards: int) -> list[int]:
        """The shards that Pulsar has given to this member, which joins if it has not; asked once a second."""
        with self._lock, told(f"subscription {subscription!r} of {stream!r}"):
            member = self._joined.get((subscription, stream))
            if member is None:
                consumers = {shard: self._consumer(subscription, stream, shard) for shard in range(shards)}
                member = self._joined[subscription, stream] = _Membership(consumers)
            now = time.monotonic()
            if now - member.looked_at >= _LOOK_S:
                chosen = self._admin.active(stream, subscription)
                member.shards = sorted(shard for shard, name in chosen.items() if name == self._name)
                member.looked_at = now
            return list(member.shards)

    def leave(self, subscription: str, stream: str) -> None:
        """Leave the shards to others."""
        with self._lock:
            member = self._joined.pop((subscription, stream), None)
        for consumer in member.consumers.values() if member else ():
            with suppress(Exception):  # it is given up, however it closes
                consumer.close()

    def acknowledge(self, subscription: str, stream: str, shard: int, position: int) -> None:
        """Acknowledge a shard up to a position, whole entries only; never back."""
        place = Place.of(position)
        whole = place.whole
        member = self._joined.get((subscription, stream))
        topic = partition(stream, shard)
        if member is None:
            at = self._admin.acknowledged(topic, subscription)
            if at is None or at < whole:
                self._admin.reset(topic, subscription, whole)
            return
        with told(f"acknowledging {stream!r}, shard {shard}"):
            member.consumers[shard].acknowledge_cumulative(_message(shard, whole))
        known = self._acknowledged.get((subscription, stream, shard), (-1, 0.0))[0]
        self._acknowledged[subscription, stream, shard] = max(known, whole.position), time.monotonic()

    def acknowledged(self, subscription: str, stream: str, shard: int) -> int | None:
        """The position up to which a shard is acknowledged."""
        place = self._admin.acknowledged(partition(stream, shard), subscription)
        there = None if place is None else place.position
        own, at = self._acknowledged.get((subscription, stream, shard), (-1, 0.0))
        if own < 0 or time.monotonic() - at > _TRAVEL_S:
            return there
        return own if there is None else max(own, there)

    def reset(self, subscription: str, stream: str, shard: int, position: int | None) -> None:
        """Set what is acknowledged, forward or back."""
        place = None if position is None else Place.of(position)
        whole = None if place is None else place.whole
        self._acknowledged.pop((subscription, stream, shard), None)
        self._admin.reset(partition(stream, shard), subscription, whole)

    def close(self) -> None:
        """Leave everything."""
        for subscription, stream in list(self._joined):
            self.leave(subscription, stream)

    def _consumer(self, subscription: str, stream: str, shard: int) -> "pulsar.Consumer":
        import pulsar

        return self._client.subscribe(
            f"{self._prefix}/{partition(stream, shard)}",
            subscription,
            consumer_type=pulsar.ConsumerType.Failover,
            consumer_name=self._name,
            receiver_queue_size=0,
            initial_position=pulsar.InitialPosition.Earliest,
        )


def _message(shard: int, place: Place) -> "pulsar.MessageId":
    import pulsar

    return pulsar.MessageId(shard, place.ledger, place.entry, -1)
