"""Verdicts: what the detector says of each event, in the order of the input."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from html import escape

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from snnlab.events import Anomaly
from snnlab.events.anomaly import anomaly_id

__all__ = ["Verdicts"]


@dataclass(frozen=True, repr=False)
class Verdicts:
    """One verdict an event.

    Attributes:
        event_id, entity: of the events.
        timestamp: of the events, in µs.
        score: -log10 of the calibrated tail probability; NaN for an event that was rejected.
        severity: score / (score + threshold), so 0.5 at the threshold and towards 1 beyond.
        alarm: what the alarm neurons said, in standard deviations, 0 when they were silent; a burst is one alarm.
        anomaly: whether the score reaches the threshold.
        spoken: anomalies that are the first or the strongest of their burst: what is published.
        type: the anomaly's type, "" where there is none.
        groups: evidence by group of features, in its own standard deviations; ``group_names`` names the columns.
        pattern: the reservoir's firing rates by population bucket (share of the bucket's neurons that fired).
        actions: recommended actions by type.

    The short form tells the counts; notebooks show the strongest anomalies as a table.
    """

    event_id: list[str]
    timestamp: Int64[np.ndarray, " n"]
    entity: list[str]
    score: Float64[np.ndarray, " n"]
    severity: Float32[np.ndarray, " n"]
    alarm: Float64[np.ndarray, " n"]
    anomaly: Bool[np.ndarray, " n"]
    spoken: Bool[np.ndarray, " n"]
    type: list[str]
    groups: Float64[np.ndarray, "n g"]
    group_names: tuple[str, ...]
    pattern: Float32[np.ndarray, "n b"]
    actions: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def following(cls, pieces: Sequence["Verdicts"]) -> "Verdicts":
        """Verdicts of consecutive batches as one; at least one batch."""
        joined = {
            one.name: np.concatenate([getattr(piece, one.name) for piece in pieces])
            for one in fields(cls)
            if isinstance(getattr(pieces[0], one.name), np.ndarray)
        }
        return replace(
            pieces[0],
            event_id=[event for piece in pieces for event in piece.event_id],
            entity=[entity for piece in pieces for entity in piece.entity],
            type=[kind for piece in pieces for kind in piece.type],
            **joined,
        )

    def __len__(self) -> int:
        return len(self.event_id)

    def __repr__(self) -> str:
        return f"Verdicts({len(self)} events, {int(self.anomaly.sum())} anomalies, {int(self.spoken.sum())} alarms)"

    def strongest(self, count: int = 10) -> Int64[np.ndarray, " k"]:
        """Places of the anomalies with the highest scores, the highest first."""
        found = np.flatnonzero(self.anomaly)
        return found[np.argsort(-self.score[found], kind="stable")][:count]

    def cause(self, row: int) -> str:
        """The group with the strongest evidence of one event."""
        return self.group_names[int(np.argmax(self.groups[row]))] if self.group_names else ""

    def why(self, row: int) -> str:
        """One sentence on what made an event's score, the strongest groups first."""
        order = np.argsort(-self.groups[row], kind="stable")[:3]
        parts = [f"{self.group_names[g]} ({self.groups[row, g]:.1f} sd)" for g in order if self.groups[row, g] > 1.0]
        told = ", ".join(parts) or "many features a little"
        return f"{self.entity[row]}: unusual {told}"

    def to_anomalies(self, model: str, stream: str, version: str | int = 1) -> list[Anomaly]:
        """The spoken anomalies as events to publish; their ids are a function of event, model and version."""
        return [self._anomaly(int(row), model, stream, version) for row in np.flatnonzero(self.spoken)]

    def _anomaly(self, row: int, model: str, stream: str, version: str | int) -> Anomaly:
        return Anomaly(
            anomaly_id=anomaly_id(self.event_id[row], model, version),
            detected_at=int(self.timestamp[row]),
            anomaly_type=self.type[row],
            severity=float(self.severity[row]),
            spike_pattern=tuple(float(rate) for rate in self.pattern[row]),
            contributing_events=(self.event_id[row],),
            recommended_actions=self.actions.get(self.type[row], ()),
            entity=self.entity[row],
            model=model,
            stream=stream,
            score=float(self.score[row]),
            explanation=self.why(row),
        )

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in ("event", "entity", "score", "severity", "type", "why"))
        rows = "".join(
            f"<tr><td>{escape(self.event_id[i])}</td><td>{escape(self.entity[i])}</td><td>{self.score[i]:.1f}</td>"
            f"<td>{self.severity[i]:.2f}</td><td>{escape(self.type[i])}</td><td>{escape(self.why(i))}</td></tr>"
            for i in map(int, self.strongest())
        )
        return f"<p>{escape(repr(self))}</p><table><tr>{head}</tr>{rows}</table>"
