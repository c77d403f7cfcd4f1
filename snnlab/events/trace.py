"""Where a batch of events comes from: the contexts of its producers' spans, beside its columns.

A context is the ``traceparent`` of W3C's Trace Context. It stands in the metadata of the batch's Arrow schema, so that
it goes wherever the batch goes: through slices, through the embedded bus's rows and through Arrow files.
"""

import re
from collections.abc import Iterable

from snnlab.events.batch import EventBatch
from snnlab.events.columns import Single

__all__ = ["is_traceparent", "traceparents", "with_traceparents"]

_KEY = b"traceparent"
_MOST = 128  # as many links as OpenTelemetry keeps of a span
_FORM = re.compile(r"[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def is_traceparent(text: str) -> bool:
    """Whether a text has the form of a ``traceparent``.

    >>> is_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), is_traceparent("00-1-2-01")
    (True, False)
    """
    return _FORM.fullmatch(text) is not None


def traceparents(batch: EventBatch) -> tuple[str, ...]:
    """The contexts that a batch comes from: none, that of its producer, or those of several."""
    if isinstance(batch.source, Single):
        return ()
    stored = (batch.record.schema.metadata or {}).get(_KEY, b"")
    return tuple(filter(is_traceparent, stored.decode("ascii", "replace").split(",")[:_MOST])) if stored else ()


def with_traceparents(batch: EventBatch, parents: Iterable[str]) -> EventBatch:
    """The same events as coming from these contexts, each once and at most 128; what is no context is left out.

    >>> import numpy as np
    >>> batch = EventBatch.from_columns(np.ones((2, 1)), ["cpu"])
    >>> told = with_traceparents(batch, ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "nonsense"])
    >>> traceparents(told.slice(1, 2))
    ('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',)
    """
    known = list(dict.fromkeys(filter(is_traceparent, parents)))[:_MOST]
    metadata = {**(batch.record.schema.metadata or {}), _KEY: ",".join(known).encode()}
    if not known:
        del metadata[_KEY]
    return EventBatch(batch.record.replace_schema_metadata(metadata))
