"""A detector as a request asks for it, before its first event."""

from collections.abc import Mapping, Sequence
from typing import Any

from snnlab.config import NeuromorphicConfig
from snnlab.detectors import Detector
from snnlab.domains import domain as domain_of
from snnlab.serving.size import check_size

__all__ = ["untrained"]


def untrained(
    domain: str,
    features: Sequence[str],
    categories: Sequence[str],
    neuromorphic: Mapping[str, Any] | None,
    seed: int,
) -> Detector:
    """A detector of a domain. Raises ConfigError for a domain, names or a network that cannot be used.

    >>> untrained("sensor", ["pressure"], [], None, 0).domain.name
    'sensor'
    """
    known = domain_of(domain)
    config = NeuromorphicConfig.from_dict(neuromorphic) if neuromorphic is not None else None
    if config is not None:
        check_size(config)
    return Detector.build(known, names=features, categories=categories, entities=True, seed=seed, config=config)
