"""Where a workflow's events come from: a generator, a public set, a file, or a stream of the bus."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from snnlab.datasets.labelled import LabelledStream
from snnlab.errors import ConfigError, DataError
from snnlab.events import EventBatch

__all__ = ["load_stream"]


def load_stream(
    domain: str,
    data: str = "generated",
    *,
    part: str | None = None,
    seed: int = 0,
    events: int = 20_000,
    world: int | None = None,
    columns: Mapping[str, str | Sequence[str] | None] | None = None,
) -> LabelledStream:
    """A labelled stream by its name.

    ``data`` is ``generated`` (``seed``, ``events`` and ``world`` then say which), the name of a public set (``part``
    says which of its streams), the path of a file (``columns`` then names its ``timestamp``, ``entity``, ``features``
    and ``label``), or a stream of the bus as ``sqlite:///PATH#STREAM``.
    Raises ConfigError or DataError for what is none of these.

    >>> stream = load_stream("sensor", seed=1, events=2000)
    >>> stream.name, len(stream), stream.train
    ('sensor-1', 2000, 600)
    """
    if data == "generated":
        from snnlab.datasets.generators import generate

        return generate(domain, seed, events, world=world)
    if "://" in data:
        return _from_bus(data)
    if Path(data).exists():
        from snnlab.datasets.files import read_events

        given = {"timestamp": None, "entity": None, "features": None, "label": None} | dict(columns or {})
        return read_events(data, **given)  # type: ignore[arg-type]  # the names are checked there
    return _public(data, part)


def _public(name: str, part: str | None) -> LabelledStream:
    from snnlab.datasets import public

    streams = public.load(name, part)
    if len(streams) == 1:
        return streams[0]
    some = ", ".join(stream.name for stream in streams[:5])
    raise ConfigError(
        f"{name!r}{f' part {part!r}' if part else ''} holds {len(streams)} streams; name one with part, such as {some}"
    )


def _from_bus(address: str) -> LabelledStream:
    """Every event of a stream of the bus, in the order of their times; the truth about them is not known."""
    from snnlab.streams import connect

    url, mark, name = address.partition("#")
    if not mark or not name:
        raise ConfigError(f"{address!r} names a bus but no stream; write sqlite:///PATH#STREAM")
    with connect(url) as bus:
        batches: list[EventBatch] = []
        for shard in range(bus.stream(name).shards):
            after: int | None = None
            while found := bus.consume(name, shard, after, limit=10_000):
                batches.extend(batch for _, batch in found if len(batch))
                after = found[-1][0]
    if not batches:
        raise DataError(f"stream {name!r} of {url} holds no events; publish some with snnlab replay")
    whole = EventBatch.concat(batches)
    whole = whole.take(np.argsort(whole.timestamps, kind="stable"))
    return LabelledStream(name, whole, np.zeros(len(whole), np.int8), meta={"labelled": False, "source": address})
