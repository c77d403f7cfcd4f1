"""The event bus on Apache Pulsar: a stream is a partitioned topic, a shard one partition of it."""

from snnlab.streams.pulsar.bus import PulsarBus

__all__ = ["PulsarBus"]
