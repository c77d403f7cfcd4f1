"""An anomaly as it leaves the detector: what, when, how severe, why, and what to do."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from hashlib import sha256
from typing import Self

from snnlab.errors import EventError
from snnlab.types import Json

__all__ = ["Anomaly", "anomaly_id"]

SEQUENCES = ("spike_pattern", "contributing_events", "recommended_actions")


@dataclass(frozen=True)
class Anomaly:
    """One detected anomaly.

    The first seven fields are the published ``AnomalyEvent``: ``detected_at`` in µs since 1970 UTC, ``severity`` in
    0..1, ``spike_pattern`` the reservoir's firing rates by population bucket at detection, ``contributing_events``
    the ids of the events that led to it. The other five travel in the Arrow form only, for filters and readers:
    ``score`` is -log10 of the calibrated tail probability, 0 where it is not known.
    Raises EventError for a severity outside 0..1 and a score or pattern that is not finite.

    >>> Anomaly("1f", 1_000_000, "latency_spike", 0.9).to_json()["severity"]
    0.9
    """

    anomaly_id: str
    detected_at: int
    anomaly_type: str
    severity: float
    spike_pattern: tuple[float, ...] = ()
    contributing_events: tuple[str, ...] = ()
    recommended_actions: tuple[str, ...] = ()
    entity: str = ""
    model: str = ""
    stream: str = ""
    score: float = 0.0
    explanation: str = ""

    def __post_init__(self) -> None:
        if not 0.0 <= self.severity <= 1.0:
            raise EventError(f"anomaly {self.anomaly_id!r} has severity {self.severity}; a severity is within 0..1")
        if not math.isfinite(self.score) or not all(map(math.isfinite, self.spike_pattern)):
            raise EventError(
                f"anomaly {self.anomaly_id!r} has score {self.score} and spike pattern {self.spike_pattern}; "
                "both must be finite"
            )

    def to_json(self) -> Json:
        """All twelve fields as JSON values; tuples become lists."""
        told = ((part.name, getattr(self, part.name)) for part in fields(self))
        return {name: list(value) if name in SEQUENCES else value for name, value in told}

    @classmethod
    def from_json(cls, content: Mapping[str, object]) -> Self:
        """An anomaly from ``to_json``; raises EventError for unknown or missing fields."""
        known = {part.name for part in fields(cls)}
        if unknown := sorted(set(content) - known):
            raise EventError(f"unknown fields {unknown} of an anomaly; it has {sorted(known)}")
        try:
            return cls(**{name: tuple(value) if name in SEQUENCES else value for name, value in content.items()})  # type: ignore[arg-type]
        except TypeError as wrong:
            raise EventError(f"not an anomaly: {wrong}") from wrong


def anomaly_id(event_id: str, model: str, version: str | int) -> str:
    """The id of the anomaly that a version of a model sees at an event: a replay gives the same one again.

    >>> anomaly_id("42", "sensor", 3)
    'cca500d03523a7e5dc3d9511c229454d'
    """
    # Lengths stand before the parts: no two different triples may run together into one text.
    text = "".join(f"{len(part)}:{part}" for part in (event_id, model, str(version)))
    return sha256(text.encode()).hexdigest()[:32]
