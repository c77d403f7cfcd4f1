"""The event bus: streams of events in shards, read in order by position.

``connect`` opens the bus that a URL names; ``Bus`` is what every bus can do. The embedded bus is a durable log in
one SQLite file.
"""

from snnlab.events.shards import shard_of, shards_of
from snnlab.streams.base import Backlog, Bus, DeadLetter, Published, StreamInfo
from snnlab.streams.urls import connect

__all__ = ["Backlog", "Bus", "DeadLetter", "Published", "StreamInfo", "connect", "shard_of", "shards_of"]
