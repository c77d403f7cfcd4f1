"""What is told of a model, whichever replica owns it: as it is now by its owner, else as it was last kept."""

import json
from dataclasses import asdict, dataclass
from typing import Self

from snnlab.serving.scorer import Scorer
from snnlab.types import Json

__all__ = ["ModelCard"]


@dataclass(frozen=True)
class ModelCard:
    """A model's name, columns and figures. ``threshold`` is a score, ``created_at`` µs since 1970 UTC."""

    model_id: str
    name: str
    domain: str
    version: int
    features: tuple[str, ...]
    categories: tuple[str, ...]
    anomaly_types: tuple[str, ...]
    threshold: float
    events_seen: int
    created_at: int

    @classmethod
    def of(
        cls, model_id: str, told: Json, scorer: Scorer, features: tuple[str, ...], categories: tuple[str, ...]
    ) -> Self:
        """The card of a model that this process holds; ``told`` is what its record of the store says."""
        detector = scorer.detector
        return cls(
            model_id=model_id,
            name=told["name"],
            domain=detector.domain.name,
            version=scorer.version,
            features=features,
            categories=categories,
            anomaly_types=tuple(kind.name for kind in detector.domain.types),
            threshold=detector.threshold,
            events_seen=detector.n_events,
            created_at=told["created_at"],
        )

    @classmethod
    def read(cls, body: bytes) -> Self:
        """The card that ``write`` wrote."""
        return cls.told(json.loads(body))

    @classmethod
    def told(cls, told: Json) -> Self:
        """The card that a JSON object tells. Raises KeyError or TypeError for one of another form."""
        lists = {name: tuple(told[name]) for name in ("features", "categories", "anomaly_types")}
        return cls(**{**told, **lists})

    def write(self) -> bytes:
        """As bytes, for the store."""
        return json.dumps(asdict(self)).encode()
