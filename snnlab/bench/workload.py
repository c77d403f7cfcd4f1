"""What is measured on: a stream of many entities with numeric features, and the detector that reads it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from snnlab.detectors import Detector
from snnlab.domains import Domain, domain
from snnlab.events import EventBatch

__all__ = ["STEP_US", "detector", "stream", "with_bursts"]

STEP_US = 1_000


def stream(
    events: int, *, features: int = 8, entities: int = 10_000, seed: int = 0, step_us: int = STEP_US
) -> EventBatch:
    """Events of ``entities`` entities, each of which comes once before any comes again; then they come at random.

    Every feature is a slow wave with noise, so that codes move and learning has something to do.

    >>> stream(6, features=2, entities=3).entities.words()[:3]
    ['entity-0', 'entity-1', 'entity-2']
    """
    rng = np.random.default_rng(seed)
    phase = np.arange(events)[:, None] / 2_000.0 + np.arange(features)
    values = np.sin(phase) + rng.normal(0.0, 0.3, (events, features))
    drawn = rng.integers(0, entities, max(events - entities, 0))
    owner = np.concatenate([np.arange(min(entities, events)), drawn])
    return EventBatch.from_columns(
        values,
        [f"f{at}" for at in range(features)],
        timestamps=1_700_000_000_000_000 + np.arange(events) * step_us,
        entities=[f"entity-{one}" for one in owner.tolist()],
    )


def with_bursts(batch: EventBatch, *, every: int = 1_000, size: int = 3, begin: int = 0) -> EventBatch:
    """The same events, but for a few far outside after every so many from ``begin`` on.

    >>> with_bursts(stream(10, features=1), every=5, size=1).values[4::5].ravel().tolist()
    [25.0, 25.0]
    """
    values = batch.values.copy()
    at = np.arange(len(batch))
    values[(at >= begin) & (at % every >= every - size)] = 25.0
    return EventBatch.from_columns(
        values,
        batch.names,
        timestamps=batch.timestamps,
        event_ids=batch.event_ids,
        entities=batch.entities.words(),
    )


def detector(
    batch: EventBatch,
    *,
    neurons: int = 256,
    shards: int = 1,
    name: str | Domain = "performance",
    own_past: bool = False,
    changes: Mapping[str, Any] | None = None,
) -> Detector:
    """An untrained detector for these events; its features are their columns.

    ``changes`` are settings of the network by dotted names; ``own_past`` adds, as the domain does for entities, each
    column against the entity's own past.
    """
    chosen = domain(name) if isinstance(name, str) else name
    config = chosen.network.replace({"reservoir.neurons": neurons, **(changes or {})})
    return Detector.build(chosen, names=batch.names, entities=own_past, seed=0, shards=shards, config=config)
