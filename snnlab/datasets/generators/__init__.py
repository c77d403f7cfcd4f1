"""Seeded event streams, one a domain, with the sixteen anomaly types injected and labelled.

A stream has a *world* (who the entities are and what their habits are) and a course of events in it. Both follow
from the seed; with ``world`` given, streams of different seeds are different days of the same world, which is what
a model trained on one of them needs to meet the next. Strengths stand in ``strengths.yaml``.
"""

from snnlab.datasets.generators import business, performance, security, sensor
from snnlab.datasets.generators.strengths import Strength, Strengths, strengths
from snnlab.datasets.labelled import LabelledStream
from snnlab.errors import ConfigError

__all__ = ["DOMAINS", "Strength", "Strengths", "generate", "strengths"]

DOMAINS = {
    "security": security.generate,
    "performance": performance.generate,
    "business": business.generate,
    "sensor": sensor.generate,
}


def generate(
    domain: str, seed: int, events: int = 20_000, anomalies: bool = True, world: int | None = None
) -> LabelledStream:
    """A labelled stream of a domain, the same for the same seed.

    Its first 30 % are free of anomalies (``train``); after them at most 1 % of all events are anomalous.
    Raises ConfigError for an unknown domain, a negative seed or fewer than 500 events.

    >>> stream = generate("sensor", seed=1, events=2_000)
    >>> len(stream.events), stream.train, int(stream.label.sum())
    (2000, 600, 16)
    """
    if domain not in DOMAINS:
        raise ConfigError(f"no generator for domain {domain!r}; there are {', '.join(DOMAINS)}")
    return DOMAINS[domain](seed, events, anomalies, world)
