"""The metrics as numbers, for ``GET /api/v1/metrics``."""

from pydantic import BaseModel, ConfigDict, Field

from snnlab.serving.metric_names import HELP

__all__ = ["ModelMetrics", "ReplicaMetrics", "Snapshot", "StreamMetrics"]


class ModelMetrics(BaseModel):
    """What was measured of one model since it was loaded."""

    model_config = ConfigDict(frozen=True)

    model_id: str
    events_processed: int = Field(description=HELP["neuromorphic_events_processed_total"])
    anomalies_detected: int = Field(description=HELP["neuromorphic_anomalies_detected_total"])
    anomalies_by_type: dict[str, int]
    dead_letters: int = Field(description=HELP["neuromorphic_dead_letters_total"])
    spike_rate_hertz: float | None = Field(description=HELP["neuromorphic_spike_rate_hertz"])
    neuron_utilization_percent: float | None = Field(description=HELP["neuromorphic_neuron_utilization_percent"])
    accuracy: float | None = Field(description=HELP["neuromorphic_model_accuracy"])
    labels_known: int = Field(description="Events whose true label became known")
    latency_p50_seconds: float | None = Field(
        description="Half of the batches took at most this long, to a bucket's bound"
    )
    latency_p99_seconds: float | None = Field(
        description="99 of 100 batches took at most this long, to a bucket's bound"
    )


class StreamMetrics(BaseModel):
    """How far a model is behind a stream that it works on; null is what the bus did not tell."""

    model_config = ConfigDict(frozen=True)

    model_id: str
    stream: str
    backlog_messages: int | None = Field(description=HELP["neuromorphic_backlog_messages"])
    lag_seconds: float | None = Field(description=HELP["neuromorphic_lag_seconds"])
    checkpoint_age_seconds: float = Field(description=HELP["neuromorphic_checkpoint_age_seconds"])
    failing: bool = Field(description=HELP["neuromorphic_worker_failing"])


class ReplicaMetrics(BaseModel):
    """What one replica of the service measured since it started."""

    model_config = ConfigDict(frozen=True)

    replica: str
    uptime_seconds: float
    events_processed: int
    anomalies_detected: int
    dead_letters: int


class Snapshot(BaseModel):
    """What was measured of the service since it started; of several replicas, those that answer taken together."""

    model_config = ConfigDict(frozen=True)

    uptime_seconds: float
    events_processed: int
    anomalies_detected: int
    dead_letters: int
    models: list[ModelMetrics]
    streams: list[StreamMetrics] = Field(default_factory=list)
    replicas: list[ReplicaMetrics] = Field(default_factory=list)
