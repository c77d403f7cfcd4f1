"""What the replicas measured, taken together."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from snnlab.serving.snapshot import ModelMetrics, ReplicaMetrics, Snapshot, StreamMetrics

__all__ = ["together"]


def together(told: Mapping[str, Snapshot]) -> Snapshot:
    """The snapshots of replicas, by name, as one.

    Counts are sums; rates and shares are means weighted by events (accuracy by labels); latencies are the slowest
    replica's, since quantiles do not add up; the time up is the longest. Of a stream that several replicas work on, the
    one that is the most behind counts.

    >>> one = Snapshot(uptime_seconds=5, events_processed=2, anomalies_detected=1, dead_letters=0, models=[])
    >>> both = together({"a": one, "b": one})
    >>> both.events_processed, [replica.replica for replica in both.replicas]
    (4, ['a', 'b'])
    """
    names = sorted({model.model_id for one in told.values() for model in one.models})
    by_name = [[model for one in told.values() for model in one.models if model.model_id == name] for name in names]
    return Snapshot(
        uptime_seconds=max(one.uptime_seconds for one in told.values()),
        events_processed=sum(one.events_processed for one in told.values()),
        anomalies_detected=sum(one.anomalies_detected for one in told.values()),
        dead_letters=sum(one.dead_letters for one in told.values()),
        models=[_model(parts) for parts in by_name],
        streams=_streams([stream for one in told.values() for stream in one.streams]),
        replicas=[
            ReplicaMetrics(
                replica=name,
                uptime_seconds=one.uptime_seconds,
                events_processed=one.events_processed,
                anomalies_detected=one.anomalies_detected,
                dead_letters=one.dead_letters,
            )
            for name, one in sorted(told.items())
        ],
    )


def _model(parts: Sequence[ModelMetrics]) -> ModelMetrics:
    types: Counter[str] = Counter()
    for part in parts:
        types.update(part.anomalies_by_type)
    return ModelMetrics(
        model_id=parts[0].model_id,
        events_processed=sum(part.events_processed for part in parts),
        anomalies_detected=sum(part.anomalies_detected for part in parts),
        anomalies_by_type=dict(sorted(types.items())),
        dead_letters=sum(part.dead_letters for part in parts),
        spike_rate_hertz=_mean(parts, lambda part: part.spike_rate_hertz, lambda part: part.events_processed),
        neuron_utilization_percent=_mean(
            parts, lambda part: part.neuron_utilization_percent, lambda part: part.events_processed
        ),
        accuracy=_mean(parts, lambda part: part.accuracy, lambda part: part.labels_known),
        labels_known=sum(part.labels_known for part in parts),
        latency_p50_seconds=_slowest(part.latency_p50_seconds for part in parts if part.events_processed),
        latency_p99_seconds=_slowest(part.latency_p99_seconds for part in parts if part.events_processed),
    )


def _streams(told: Sequence[StreamMetrics]) -> list[StreamMetrics]:
    names = sorted({(one.model_id, one.stream) for one in told})
    by_name = [[one for one in told if (one.model_id, one.stream) == name] for name in names]
    return [
        StreamMetrics(
            model_id=parts[0].model_id,
            stream=parts[0].stream,
            backlog_messages=max((n for one in parts if (n := one.backlog_messages) is not None), default=None),
            lag_seconds=max((s for one in parts if (s := one.lag_seconds) is not None), default=None),
            checkpoint_age_seconds=max(one.checkpoint_age_seconds for one in parts),
            failing=any(one.failing for one in parts),
        )
        for parts in by_name
    ]


def _mean(
    parts: Sequence[ModelMetrics],
    value: Callable[[ModelMetrics], float | None],
    weight: Callable[[ModelMetrics], int],
) -> float | None:
    known = [(told, weight(part)) for part in parts if (told := value(part)) is not None]
    total = sum(weight for _, weight in known)
    return sum(told * weight for told, weight in known) / total if total else None


def _slowest(told: Iterable[float | None]) -> float | None:
    known = list(told)
    return None if not known or None in known else max(one for one in known if one is not None)
