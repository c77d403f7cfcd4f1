"""What the service measures of itself: the five metrics of the specification, latency, lag and dead letters.

Counts are kept here in plain numbers and turned into Prometheus samples when asked for, so that they mean the same
whatever multiprocess mode the surrounding server has set up, and so that the JSON and the text never disagree.
Labels are models, streams, anomaly types and population buckets only: their number is bounded by what an operator
deploys.
"""

import math
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from threading import Lock
from typing import Any

import numpy as np
from jaxtyping import Float
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from snnlab.serving.measures import LATENCY_BUCKETS, Behind, Latency, Utilization
from snnlab.serving.metric_names import HELP
from snnlab.serving.snapshot import ModelMetrics, Snapshot, StreamMetrics

__all__ = ["HELP", "LATENCY_BUCKETS", "Metrics", "ModelMetrics", "Snapshot"]


class Metrics(Collector):
    """Counts of one service. Safe to use from many threads.

    >>> metrics = Metrics()
    >>> metrics.observe("web", "logs", events=10, types=["api_abuse"], seconds=0.0003)
    >>> [line for line in metrics.text().decode().splitlines() if line.startswith("neuromorphic_anomalies")]
    ['neuromorphic_anomalies_detected_total{model="web",stream="logs",type="api_abuse"} 1.0']
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = clock()
        self._lock = Lock()
        self._events: Counter[tuple[str, str]] = Counter()
        self._anomalies: Counter[tuple[str, str, str]] = Counter()
        self._dead: Counter[tuple[str, str]] = Counter()
        self._latency: defaultdict[str, Latency] = defaultdict(Latency)
        self._labels: dict[str, tuple[int, int]] = {}
        self._firing: dict[str, Utilization] = {}
        self._behind: dict[tuple[str, str], Behind] = {}
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def observe(self, model: str, stream: str, *, events: int, types: Iterable[str], seconds: float) -> None:
        """Count a batch: its events, the types of its anomalies, and how long its verdicts took."""
        with self._lock:
            self._events[model, stream] += events
            for kind in types:
                self._anomalies[model, stream, kind] += 1
            self._latency[model].observe(seconds)

    def dead_letters(self, model: str, stream: str, count: int) -> None:
        """Count events that were set aside."""
        with self._lock:
            self._dead[model, stream] += count

    def labels(self, model: str, right: int, known: int) -> None:
        """Count labels that became known, and how many of them agreed with the verdict given before."""
        with self._lock:
            before = self._labels.get(model, (0, 0))
            self._labels[model] = (before[0] + right, before[1] + known)

    def firing(self, model: str, shares: Float[np.ndarray, " b"], *, events: int, event_s: float) -> None:
        """Note the mean share of neurons, by bucket, that events made fire; an event is ``event_s`` of network time."""
        with self._lock:
            firing = self._firing.setdefault(model, Utilization(self._clock()))
            firing.event_s = event_s
            firing.observe(shares, events, self._clock())

    def behind(self, streams: Mapping[tuple[str, str], Behind]) -> None:
        """Say how far models are behind their streams now, by model and stream: of all that work, and no other.

        Their counters stand at 0 from then on, so that Prometheus sees the first event and the first dead letter.
        """
        with self._lock:
            self._behind = dict(streams)
            for key in streams:
                self._events[key] += 0
                self._dead[key] += 0

    def text(self) -> bytes:
        """Everything in Prometheus's text format."""
        return generate_latest(self._registry)

    def snapshot(self) -> Snapshot:
        """Everything as numbers by model."""
        with self._lock:
            names = sorted({key[0] for key in (*self._events, *self._dead)} | set(self._firing) | set(self._labels))
            models = [self._model(name) for name in names]
            streams = [_stream(*key, behind) for key, behind in sorted(self._behind.items())]
        return Snapshot(
            uptime_seconds=round(self._clock() - self._started, 3),
            events_processed=sum(model.events_processed for model in models),
            anomalies_detected=sum(model.anomalies_detected for model in models),
            dead_letters=sum(model.dead_letters for model in models),
            models=models,
            streams=streams,
        )

    def _model(self, name: str) -> ModelMetrics:
        types: Counter[str] = Counter()
        for (model, _, kind), count in self._anomalies.items():
            types[kind] += count if model == name else 0
        firing = self._firing.get(name)
        right, known = self._labels.get(name, (0, 0))
        latency = self._latency.get(name, Latency())
        return ModelMetrics(
            model_id=name,
            events_processed=sum(count for (model, _), count in self._events.items() if model == name),
            anomalies_detected=sum(types.values()),
            anomalies_by_type=dict(sorted((+types).items())),
            dead_letters=sum(count for (model, _), count in self._dead.items() if model == name),
            spike_rate_hertz=firing.rate_hertz if firing else None,
            neuron_utilization_percent=firing.percent if firing else None,
            accuracy=right / known if known else None,
            labels_known=known,
            latency_p50_seconds=latency.quantile(0.5),
            latency_p99_seconds=latency.quantile(0.99),
        )

    def collect(self) -> Iterator[Metric]:
        """The samples, as Prometheus's client asks for them."""
        with self._lock:
            yield from [*self._of_models(), *self._of_populations(), *self._of_streams()]

    def _of_models(self) -> Iterator[Metric]:
        model, stream = ("model",), ("model", "stream")
        rates = {(name,): firing.rate_hertz for name, firing in self._firing.items()}
        shares = {(name,): firing.percent for name, firing in self._firing.items()}
        yield _counter("neuromorphic_events_processed", stream, self._events)
        yield _counter("neuromorphic_anomalies_detected", (*stream, "type"), self._anomalies)
        yield _gauge("neuromorphic_spike_rate_hertz", model, rates)
        yield _gauge("neuromorphic_neuron_utilization_percent", model, shares)
        yield _gauge("neuromorphic_model_accuracy", model, self._accuracies())
        yield self._histogram()
        yield _counter("neuromorphic_dead_letters", stream, self._dead)

    def _of_populations(self) -> Iterator[Metric]:
        found = {
            (name, str(bucket)): share
            for name, firing in self._firing.items()
            for bucket, share in enumerate(firing.by_bucket.tolist())
        }
        yield _gauge("neuromorphic_population_utilization_percent", ("model", "bucket"), found)

    def _of_streams(self) -> Iterator[Metric]:
        told = {
            "neuromorphic_backlog_messages": "backlog_messages",
            "neuromorphic_lag_seconds": "lag_s",
            "neuromorphic_checkpoint_age_seconds": "checkpoint_age_s",
            "neuromorphic_worker_failing": "failing",
        }
        for name, value in told.items():
            yield _gauge(name, ("model", "stream"), {key: getattr(one, value) for key, one in self._behind.items()})

    def _accuracies(self) -> dict[tuple[str, ...], float]:
        found: dict[tuple[str, ...], float] = {(model,): math.nan for model, _ in self._events}
        return found | {(model,): right / known for model, (right, known) in self._labels.items() if known}

    def _histogram(self) -> Metric:
        name = "neuromorphic_verdict_latency_seconds"
        family = HistogramMetricFamily(name, HELP[name], labels=("model",))
        for model, latency in sorted(self._latency.items()):
            family.add_metric([model], latency.cumulated(), latency.total)
        return family


def _counter(name: str, labels: tuple[str, ...], counts: Mapping[Any, int]) -> Metric:
    family = CounterMetricFamily(name, HELP[f"{name}_total"], labels=labels)
    for key, count in sorted(counts.items()):
        family.add_metric(list(key), count)
    return family


def _gauge(name: str, labels: tuple[str, ...], values: Mapping[Any, float]) -> Metric:
    family = GaugeMetricFamily(name, HELP[name], labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(list(key), value)
    return family


def _stream(model: str, stream: str, behind: Behind) -> StreamMetrics:
    return StreamMetrics(
        model_id=model,
        stream=stream,
        backlog_messages=None if math.isnan(behind.backlog_messages) else int(behind.backlog_messages),
        lag_seconds=None if math.isnan(behind.lag_s) else behind.lag_s,
        checkpoint_age_seconds=behind.checkpoint_age_s,
        failing=behind.failing,
    )
