"""The first event as fast as the rest: kernels compiled and code run once, on copies that are thrown away."""

from collections.abc import Iterable

import numpy as np

from snnlab.detectors import Detector
from snnlab.events import EventBatch
from snnlab.serving.models import columns_read

__all__ = ["example", "warm_up"]

_SIZES = (1, 64, 1, 1)


def warm_up(models: Iterable[tuple[bytes, bool]]) -> None:
    """Let a copy of each model score a few made-up events; ``models`` are bytes, and whether their code is agreed to.

    Raises ModelError for bytes that are no model.
    """
    for body, code in models:
        detector = Detector.load(body, trust_code=code)
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
        categories={name: [f"{i % 3}" for i in count.tolist()] for name in categories},
    )
