"""A model as a request asks for it, before its first event."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from snnlab.config import NeuromorphicConfig
from snnlab.detectors import Detector
from snnlab.domains import domain as domain_of
from snnlab.serving.size import check_size, check_state
from snnlab.types import Json

__all__ = ["Untrained"]


@dataclass(frozen=True)
class Untrained:
    """What a new model is to be: a domain's, with a network in the form of the YAML's ``neuromorphic`` section.

    >>> wanted = Untrained("sensor", features=("pressure",))
    >>> wanted.detector().domain.name, wanted.fresh_id().startswith("sensor-")
    ('sensor', True)
    """

    domain: str
    name: str | None = None
    features: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    neuromorphic: Mapping[str, Any] | None = None
    seed: int = 0

    def fresh_id(self) -> str:
        """An id that no other model has."""
        return f"{self.name or self.domain}-{secrets.token_hex(4)}"

    def metadata(self) -> Json:
        """What is kept of it beside the model."""
        return {
            "name": self.name or self.domain,
            "features": list(self.features),
            "categories": list(self.categories),
        }

    def detector(self) -> Detector:
        """The detector. Raises ConfigError for a domain, names or a network that cannot be used, or is too large."""
        known = domain_of(self.domain)
        config = NeuromorphicConfig.from_dict(self.neuromorphic) if self.neuromorphic is not None else None
        if config is not None:
            check_size(config)
        detector = Detector.build(
            known, names=self.features, categories=self.categories, entities=True, seed=self.seed, config=config
        )
        check_state(detector)
        return detector
