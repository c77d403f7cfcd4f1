"""Verdicts: what the detector says of each event, in the order of the input."""

from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import Self, TypedDict

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from snnlab.detectors.naming import Naming
from snnlab.detectors.outcome import Outcome
from snnlab.events import Anomaly, EventBatch
from snnlab.events.anomaly import anomaly_id

__all__ = ["Terms", "Verdicts"]


class Terms(TypedDict):
    """What all verdicts of a detector share."""

    threshold: float
    group_names: tuple[str, ...]
    naming: Naming
    actions: dict[str, tuple[str, ...]]


@dataclass(frozen=True, repr=False)
class Verdicts:
    """One verdict an event.

    Attributes:
        events: the events that were judged; ``event_id``, ``entity`` and ``timestamp`` (µs) are theirs.
        score: -log10 of the calibrated tail probability; NaN for an event that was rejected.
        threshold: the score from which an event is an anomaly.
        alarm: what the alarm neurons said, in standard deviations, 0 when they were silent; a burst is one alarm.
        word: the score where it is the first or the strongest of its burst, else 0.
        groups: evidence by group of features, in its own standard deviations; ``group_names`` names the columns.
        rarities: the rarity by readout.
        pattern: the reservoir's firing rates by population bucket (share of the bucket's neurons that fired).
        naming: which type an anomaly is; ``actions`` are recommended ones by type.

    What follows from these is worked out when it is asked for. The short form tells the counts; notebooks show the
    strongest anomalies as a table.
    """

    events: EventBatch
    score: Float64[np.ndarray, " n"]
    threshold: float
    alarm: Float64[np.ndarray, " n"]
    word: Float64[np.ndarray, " n"]
    groups: Float64[np.ndarray, "n g"]
    group_names: tuple[str, ...]
    rarities: Float64[np.ndarray, "n r"]
    pattern: Float32[np.ndarray, "n b"]
    naming: Naming
    actions: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def event_id(self) -> list[str]:
        """Ids of the events."""
        return self.events.event_ids

    @cached_property
    def entity(self) -> list[str]:
        """Entities of the events."""
        return self.events.entities.words()

    @property
    def timestamp(self) -> Int64[np.ndarray, " n"]:
        """Times of the events in µs."""
        return self.events.timestamps

    @cached_property
    def anomaly(self) -> Bool[np.ndarray, " n"]:
        """Whether the score reaches the threshold; a NaN does not."""
        return self.score >= self.threshold

    @cached_property
    def spoken(self) -> Bool[np.ndarray, " n"]:
        """Anomalies that are the first or the strongest of their burst: what is published."""
        return self.word > 0

    @cached_property
    def severity(self) -> Float32[np.ndarray, " n"]:
        """Score / (score + threshold), so 0.5 at the threshold and towards 1 beyond; 0 for what was rejected."""
        known = np.where(np.isnan(self.score), 0.0, self.score)
        severity: Float32[np.ndarray, " n"] = (known / (known + self.threshold)).astype(np.float32)
        return severity

    @cached_property
    def type(self) -> list[str]:
        """The anomaly's type, "" where there is none."""
        return self.naming.names(self.groups, self.rarities, self.anomaly)

    @classmethod
    def of(cls, events: EventBatch, outcome: Outcome, terms: Terms) -> Self:
        """What shards say of events, on a detector's terms.

        A live event waits for this: to set what is frozen, one by one, takes longer than to take it over at once.
        """
        made, (score, alarm, word, groups, rarities) = object.__new__(cls), outcome.judgement
        made.__dict__.update(
            terms, events=events, score=score, alarm=alarm, word=word, groups=groups, rarities=rarities,
            pattern=outcome.pattern,
        )  # fmt: skip
        return made

    def __len__(self) -> int:
        return len(self.score)

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
            spike_pattern=tuple(self.pattern[row].tolist()),
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
