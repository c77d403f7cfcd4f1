"""The first event as fast as the rest: kernels compiled and code run once, on copies that are thrown away."""

import numpy as np

from snnlab.detectors import Detector
from snnlab.events import EventBatch
from snnlab.serving.model import columns_read

__all__ = ["example", "warm_up"]

_SIZES = (1, 64, 1, 1)
_ENTITY = "warm-up"  # nobody's: events of one that was seen before would come too late to be scored


def warm_up(detector: Detector) -> None:
    """Let a detector, which is thrown away afterwards, score a few made-up events."""
    begun = 0
    for size in _SIZES:
        detector.process(example(detector, size, begun), learn=True)
        begun += size
    detector.save()


def example(detector: Detector, size: int, begun: int = 0) -> EventBatch:
    """``size`` made-up events that a detector can score, a second apart, counted from ``begun``."""
    names, categories = columns_read(detector.domain)
    count = np.arange(begun, begun + size)
    return EventBatch.from_columns(
        np.add.outer(count % 7, np.arange(len(names))).astype(np.float64),
        names,
        timestamps=count * 1_000_000,
        event_ids=[f"warm-{i}" for i in count.tolist()],
        entities=[_ENTITY] * size,
        categories={name: [f"{i % 3}" for i in count.tolist()] for name in categories},
    )
