"""Responses of the REST interface."""

from typing import Literal

from pydantic import BaseModel, Field

__all__ = [
    "AnomalyList",
    "AnomalyOut",
    "DeploymentList",
    "DeploymentOut",
    "FeedbackOut",
    "ModelList",
    "ModelOut",
    "PatternList",
    "PatternOut",
    "Rejected",
    "Scored",
    "VerdictOut",
]


class DeploymentOut(BaseModel):
    """A model at work on a stream."""

    model_id: str
    version: str
    stream: str
    shards: int
    status: Literal["running", "failed", "stopping", "stopped"] = Field(
        description="failed: a replica's worker cannot go on and tries again; stopping: a replica is not done yet"
    )
    detail: str = Field(description="What replicas' workers fail with; empty while none does")
    events_processed: int = Field(description="Events that this version has processed and kept")
    positions: dict[int, int] = Field(
        description="By shard: the position up to which its events are processed and kept"
    )


class DeploymentList(BaseModel):
    """One page of deployments, by model and stream."""

    deployments: list[DeploymentOut]
    next_cursor: str | None = Field(description="Send it as cursor for the next page; null on the last one")


class ModelOut(BaseModel):
    """A model of the service."""

    model_id: str
    name: str
    domain: str
    version: str
    features: list[str] = Field(
        description="Names of the numeric features it expects, in order; empty until it has seen events"
    )
    categories: list[str]
    anomaly_types: list[str]
    threshold: float = Field(description="Score from which an event is an anomaly: -log10 of the tail probability")
    events_seen: int
    created_at: int = Field(description="µs since 1970 UTC")
    deployments: list[DeploymentOut]


class ModelList(BaseModel):
    """All models of the service."""

    models: list[ModelOut]


class VerdictOut(BaseModel):
    """What a model says of one event."""

    event_id: str
    timestamp: int
    entity: str
    score: float | None = Field(
        description="-log10 of the calibrated tail probability; null for an event that was rejected"
    )
    severity: float = Field(description="0..1, comparable across streams; 0.5 at the threshold")
    alarm: float = Field(description="What the alarm neurons said, in standard deviations; 0 when they were silent")
    anomaly: bool = Field(description="Whether the score reaches the threshold")
    type: str = Field(description="The anomaly's type; empty for an ordinary event")
    anomaly_id: str | None = Field(
        description="Where GET /api/v1/anomalies/{anomaly_id} tells why; null inside a burst"
    )


class Rejected(BaseModel):
    """An event that could not be scored, and why."""

    event_id: str
    reason: str


class Scored(BaseModel):
    """Verdicts in the order of the events."""

    model_id: str
    version: str
    threshold: float
    verdicts: list[VerdictOut]
    rejected: list[Rejected]


class AnomalyOut(BaseModel):
    """A detected anomaly: the Avro record AnomalyEvent, and what filters need."""

    anomaly_id: str
    detected_at: int = Field(description="µs since 1970 UTC")
    anomaly_type: str
    severity: float
    spike_pattern: list[float] = Field(description="Firing rates of the reservoir's population buckets at detection")
    contributing_events: list[str]
    recommended_actions: list[str]
    entity: str
    model: str
    stream: str
    score: float
    explanation: str


class FeedbackOut(BaseModel):
    """What became of a label."""

    anomaly_id: str
    label: str
    status: Literal["applied", "queued"] = Field(
        description="applied: the model has learnt it; queued: the worker of the anomaly's shard will"
    )


class AnomalyList(BaseModel):
    """One page of anomalies, the latest first."""

    anomalies: list[AnomalyOut]
    next_cursor: str | None = Field(description="Send it as cursor for the next page; null on the last one")


class PatternOut(BaseModel):
    """A registered pattern."""

    pattern_id: str
    name: str
    anomaly_type: str
    model_id: str
    spike_pattern: list[float]
    similarity: float
    recommended_actions: list[str]
    created_at: int = Field(description="µs since 1970 UTC")


class PatternList(BaseModel):
    """One page of patterns, the oldest first."""

    patterns: list[PatternOut]
    next_cursor: str | None = Field(description="Send it as cursor for the next page; null on the last one")
