"""A held-out replay: its digest, and its place in time after what a model has already seen."""

from dataclasses import replace
from hashlib import sha256

import numpy as np

from snnlab.datasets.labelled import LabelledStream
from snnlab.events import EventBatch

__all__ = ["WEEK_US", "digest_of", "following", "later"]

WEEK_US = 7 * 86_400_000_000


def digest_of(stream: LabelledStream) -> str:
    """SHA-256 over events and labels, the same however the events are coded in memory.

    >>> events = EventBatch.from_columns(np.ones((2, 1)), ["cpu"])
    >>> digest_of(LabelledStream("a", events, np.array([0, 1], np.int8)))[:12]
    '55b64dc4e4eb'
    """
    batch, seen = stream.events, sha256()
    words = [batch.event_ids, batch.entities.words(), batch.event_types.words()]
    words += [batch.category(name).words() for name in batch.category_names]
    for column in ([*batch.names, *batch.category_names], *words, stream.kind):
        seen.update("".join(f"{len(word)}:{word}" for word in column).encode())
    for numbers in (batch.timestamps, batch.values, stream.label):
        seen.update(np.ascontiguousarray(numbers).tobytes())
    return seen.hexdigest()


def following(stream: LabelledStream, until_us: int | None) -> LabelledStream:
    """What of a stream can be replayed to a model that has seen events up to ``until_us`` (None: nothing yet).

    Where the rows after training follow, they are the replay. Where they do not, as with another day of a generated
    world, the whole stream is moved on by whole weeks, so that hours and weekdays stay what they were.
    """
    test = stream.test
    if until_us is None or not len(test) or int(test.events.timestamps.min()) >= until_us:
        return test
    return later(stream, until_us)


def later(stream: LabelledStream, until_us: int | None) -> LabelledStream:
    """The whole stream, moved on by as many weeks as it takes to begin at ``until_us`` or after; as it is for None."""
    first = int(stream.events.timestamps.min()) if len(stream) else 0
    if until_us is None or first >= until_us:
        return stream
    weeks = -(-(until_us - first) // WEEK_US)
    return replace(stream, events=_moved(stream.events, weeks * WEEK_US), meta={**stream.meta, "weeks_later": weeks})


def _moved(batch: EventBatch, by_us: int) -> EventBatch:
    import pyarrow as pa

    at = batch.record.schema.get_field_index("timestamp")
    column = pa.array(batch.timestamps + by_us)
    return EventBatch(batch.record.set_column(at, batch.record.schema.field(at), column))
