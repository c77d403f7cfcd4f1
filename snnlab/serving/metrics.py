"""What the service measures of itself: the five metrics of the specification, latency and dead letters.

Counts are kept here in plain numbers and turned into Prometheus samples when asked for, so that they mean the same
whatever multiprocess mode the surrounding server has set up, and so that the JSON and the text never disagree.
Labels are models, streams and anomaly types only: their number is bounded by what an operator deploys.
"""

import math
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from pydantic import BaseModel, ConfigDict, Field

__all__ = ["HELP", "LATENCY_BUCKETS", "Metrics", "ModelMetrics", "ReplicaMetrics", "Snapshot"]

LATENCY_BUCKETS = (0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0)
"""Upper bounds of the latency histogram in seconds."""

_LATELY_S = 60.0

HELP = {
    "neuromorphic_events_processed_total": (
        "Events that a model gave a verdict on, by model and by the stream that they came from; "
        "stream is empty for events that were posted. Events set aside as dead letters are not counted."
    ),
    "neuromorphic_anomalies_detected_total": (
        "Anomalies told: of the events at or above the model's threshold the first and the strongest of each burst, "
        "by model, stream and anomaly type."
    ),
    "neuromorphic_spike_rate_hertz": (
        "Mean firing rate of the model's reservoir while it is driven, weighted towards the last minute: neurons that "
        "an event made fire (each once an event) by all neurons and by the network time of an event's input."
    ),
    "neuromorphic_neuron_utilization_percent": (
        "Share of the model's reservoir neurons that an event makes fire, mean over events, weighted towards the last "
        "minute, in percent."
    ),
    "neuromorphic_model_accuracy": (
        "Of the events whose true label became known, the share on which the verdict given before the label "
        "(anomaly or not) agreed with it, since the model was loaded; NaN until a label is known."
    ),
    "neuromorphic_verdict_latency_seconds": (
        "Time from handing a batch of events to the model until its verdicts were there, by model; "
        "transport and storage are not in it."
    ),
    "neuromorphic_dead_letters_total": (
        "Events that could not be scored and were set aside with a reason, by model and stream."
    ),
}


@dataclass
class _Latency:
    """Counts by bucket, not yet cumulated; the last bucket has no upper bound."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BUCKETS) + 1))
    total: float = 0.0

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(LATENCY_BUCKETS, seconds)] += 1
        self.total += seconds

    def quantile(self, q: float) -> float | None:
        """The upper bound of the bucket that holds quantile ``q``; None before the first batch, or past the last."""
        rank, seen = q * sum(self.counts), 0
        for bound, count in zip((*LATENCY_BUCKETS, None), self.counts, strict=True):
            seen += count
            if seen and seen >= rank:
                return bound
        return None


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
    replicas: list[ReplicaMetrics] = Field(default_factory=list)


@dataclass
class _Firing:
    """Share of neurons that events made fire: a mean that forgets within about a minute."""

    at: float
    weight: float = 0.0
    total: float = 0.0
    event_s: float = 0.001

    def observe(self, share: float, events: int, now: float) -> None:
        fade = math.exp((self.at - now) / _LATELY_S)
        self.at = now
        self.weight = self.weight * fade + events
        self.total = self.total * fade + share * events

    @property
    def utilization_percent(self) -> float:
        return 100.0 * self.total / self.weight if self.weight > 0 else 0.0

    @property
    def rate_hertz(self) -> float:
        return self.utilization_percent / 100.0 / self.event_s


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
        self._latency: defaultdict[str, _Latency] = defaultdict(_Latency)
        self._labels: dict[str, tuple[int, int]] = {}
        self._firing: dict[str, _Firing] = {}
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

    def firing(self, model: str, share: float, *, events: int, event_s: float) -> None:
        """Note the mean share of neurons that events made fire; an event is ``event_s`` seconds of network time."""
        with self._lock:
            firing = self._firing.setdefault(model, _Firing(self._clock()))
            firing.event_s = event_s
            firing.observe(share, events, self._clock())

    def text(self) -> bytes:
        """Everything in Prometheus's text format."""
        return generate_latest(self._registry)

    def snapshot(self) -> Snapshot:
        """Everything as numbers by model."""
        with self._lock:
            names = sorted({key[0] for key in (*self._events, *self._dead)} | set(self._firing) | set(self._labels))
            models = [self._model(name) for name in names]
        return Snapshot(
            uptime_seconds=round(self._clock() - self._started, 3),
            events_processed=sum(model.events_processed for model in models),
            anomalies_detected=sum(model.anomalies_detected for model in models),
            dead_letters=sum(model.dead_letters for model in models),
            models=models,
        )

    def _model(self, name: str) -> ModelMetrics:
        types: Counter[str] = Counter()
        for (model, _, kind), count in self._anomalies.items():
            types[kind] += count if model == name else 0
        firing = self._firing.get(name)
        right, known = self._labels.get(name, (0, 0))
        latency = self._latency.get(name, _Latency())
        return ModelMetrics(
            model_id=name,
            events_processed=sum(count for (model, _), count in self._events.items() if model == name),
            anomalies_detected=sum(types.values()),
            anomalies_by_type=dict(sorted((+types).items())),
            dead_letters=sum(count for (model, _), count in self._dead.items() if model == name),
            spike_rate_hertz=firing.rate_hertz if firing else None,
            neuron_utilization_percent=firing.utilization_percent if firing else None,
            accuracy=right / known if known else None,
            labels_known=known,
            latency_p50_seconds=latency.quantile(0.5),
            latency_p99_seconds=latency.quantile(0.99),
        )

    def collect(self) -> Iterator[Metric]:
        """The samples, as Prometheus's client asks for them."""
        with self._lock:
            yield from [
                self._counter("neuromorphic_events_processed", ("model", "stream"), self._events),
                self._counter("neuromorphic_anomalies_detected", ("model", "stream", "type"), self._anomalies),
                self._gauge("neuromorphic_spike_rate_hertz", {k: v.rate_hertz for k, v in self._firing.items()}),
                self._gauge(
                    "neuromorphic_neuron_utilization_percent",
                    {k: v.utilization_percent for k, v in self._firing.items()},
                ),
                self._gauge("neuromorphic_model_accuracy", self._accuracies()),
                self._histogram(),
                self._counter("neuromorphic_dead_letters", ("model", "stream"), self._dead),
            ]

    def _accuracies(self) -> dict[str, float]:
        models = {model for model, _ in self._events}
        unknown = dict.fromkeys(models, math.nan)
        return unknown | {model: right / known for model, (right, known) in self._labels.items() if known}

    @staticmethod
    def _counter(name: str, labels: tuple[str, ...], counts: Mapping[Any, int]) -> Metric:
        family = CounterMetricFamily(name, HELP[f"{name}_total"], labels=labels)
        for key, count in sorted(counts.items()):
            family.add_metric(list(key), count)
        return family

    @staticmethod
    def _gauge(name: str, values: dict[str, float]) -> Metric:
        family = GaugeMetricFamily(name, HELP[name], labels=("model",))
        for model, value in sorted(values.items()):
            family.add_metric([model], value)
        return family

    def _histogram(self) -> Metric:
        name = "neuromorphic_verdict_latency_seconds"
        family = HistogramMetricFamily(name, HELP[name], labels=("model",))
        for model, latency in sorted(self._latency.items()):
            cumulated, seen = [], 0
            for bound, count in zip((*LATENCY_BUCKETS, math.inf), latency.counts, strict=True):
                seen += count
                cumulated.append(("+Inf" if math.isinf(bound) else str(bound), float(seen)))
            family.add_metric([model], cumulated, latency.total)
        return family
