"""The service without a server: models, deployments, anomalies, patterns and jobs over a bus, a store and detectors.

Every door (REST, and those to come) calls this object and nothing below it. It knows no HTTP: what it cannot do it
says with snnlab's errors, and what it does not find with None.

A model is scored and trained through its id. Deploying it puts a copy of it, as it is then, to work on each shard of
a stream; the copies learn from their shards and are kept by checkpoints, and training the model later does not touch
them until it is deployed again.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from snnlab.errors import ConfigError
from snnlab.events import EventBatch
from snnlab.events.anomaly import Anomaly
from snnlab.serving.bento import Bundled
from snnlab.serving.deployments import Deployments
from snnlab.serving.feedback import Feedback
from snnlab.serving.jobs import Job, Jobs, Progress
from snnlab.serving.journal import tell_anomalies
from snnlab.serving.lag import LagWatch
from snnlab.serving.metrics import Metrics
from snnlab.serving.models import Model, Models
from snnlab.serving.neurons import NeuronState, neuron_state
from snnlab.serving.patterns import PatternMemory
from snnlab.serving.scorer import Found
from snnlab.serving.spikes import Spikes
from snnlab.serving.topics import Topics
from snnlab.serving.worker import Pace, Worker
from snnlab.stores import AnomalyFilter, AnomalyPage, Pattern, Store
from snnlab.streams import Bus
from snnlab.types import Json

__all__ = ["Application"]

_TRAIN_BATCH = 1000  # events under one lock: scoring in between waits no longer than that

Pieces = Callable[[], Iterator[EventBatch]]


class Application:
    """One service over one bus and one store. Use it from any number of threads, between ``start`` and ``close``."""

    def __init__(self, bus: Bus, store: Store, *, pace: Pace | None = None, topics: Topics | None = None) -> None:
        self.bus = bus
        self.store = store
        self.metrics = Metrics()
        self.spikes = Spikes()
        self._keep_s = pace.keep_s if pace else None
        self.topics = topics or Topics("*")
        self._patterns = PatternMemory(store)
        self._models = Models(store, self.metrics, self._patterns, self.spikes)
        self._deployments = Deployments(bus, store, self._models, self.metrics, pace or Pace(), self.topics)
        self._feedback = Feedback(bus, store, self._models)
        self._lag = LagWatch(bus, self._deployments.all, self.metrics)
        self._jobs = Jobs()

    def start(self, bundled: Iterable[Bundled] = ()) -> None:
        """Load the models of the store and those of the Bento, and take deployments up where they were left."""
        self._models.load(bundled)
        self._deployments.resume()
        self._lag.start()

    def close(self) -> None:
        """Stop jobs and workers, and keep what the models have learnt. The bus and the store stay open."""
        self._lag.stop()
        self._jobs.close(wait=False)
        self._deployments.close()
        for model in self._models.all():
            self._models.keep(model.model_id)

    def create_model(
        self,
        domain: str,
        *,
        name: str | None = None,
        features: Iterable[str] = (),
        categories: Iterable[str] = (),
        neuromorphic: Mapping[str, Any] | None = None,
        seed: int = 0,
    ) -> Model:
        """A new, untrained model. Raises ConfigError for a domain, names or a network that cannot be used."""
        return self._models.create(
            domain, name=name, features=features, categories=categories, neuromorphic=neuromorphic, seed=seed
        )

    def models(self) -> list[Model]:
        """All models, by id."""
        return self._models.all()

    def model(self, model_id: str) -> Model:
        """One model. Raises ModelNotFound."""
        return self._models.get(model_id)

    def score(self, model_id: str, batch: EventBatch, *, learn: bool = True) -> Found:
        """Verdicts on events at once; their anomalies can be asked for afterwards. Raises DataError."""
        found = self.verdicts(model_id, batch, learn=learn)
        if found.anomalies:
            self.keep(found.anomalies)
        return found

    def verdicts(self, model_id: str, batch: EventBatch, *, learn: bool = True) -> Found:
        """Verdicts on events at once, for who keeps the anomalies elsewhere: nothing is written. Raises DataError."""
        return self.model(model_id).scorer.score(batch, learn=learn)

    def keep(self, anomalies: Sequence[Anomaly]) -> None:
        """Let anomalies be asked for."""
        self.store.put_anomalies(anomalies, keep_s=self._keep_s)
        tell_anomalies(anomalies)

    def neurons(self, model_id: str, entity: str, stream: str | None = None) -> NeuronState:
        """The network as an entity's last event left it: the model's own, or at the last checkpoint on a stream.

        Raises ModelNotFound, and NothingThere for an entity that is not known or a stream without a checkpoint.
        """
        scorer = self.model(model_id).scorer
        if stream is None:
            with scorer.resting() as detector:
                return neuron_state(detector, entity, scorer.version)
        return self._deployments.neurons(model_id, entity, stream)

    def train(
        self,
        model_id: str,
        *,
        batch: EventBatch | None = None,
        stream: str | None = None,
        labels: Mapping[str, bool] | None = None,
    ) -> Job:
        """Let a model learn, in the background, from a batch or from all that a stream holds now.

        ``labels`` tell of events, by id, whether they were anomalies. Raises ModelNotFound, and ConfigError for a
        stream that is not there, TopicForbidden for one that may not be named.
        """
        self.model(model_id)
        total, pieces = self._source(batch, stream)
        return self._jobs.submit(
            "train", model_id, lambda tell: self._train(model_id, pieces, labels or {}, tell), total=total
        )

    def deploy(self, model_id: str, stream: str, *, shards: int = 8, start: str = "beginning") -> Worker:
        """Put a copy of a model to work on a stream; see ``Deployments.deploy``."""
        return self._deployments.deploy(model_id, stream, shards=shards, start=start)

    def deployments(self, model_id: str) -> list[Worker]:
        """The workers of a model, by stream."""
        return self._deployments.of(model_id)

    def anomalies(self, wanted: AnomalyFilter, *, limit: int = 100, cursor: str | None = None) -> AnomalyPage:
        """A page of anomalies, newest first. Raises ConfigError for a cursor that belongs to no page."""
        return self.store.anomalies(wanted, limit=limit, cursor=cursor)

    def anomaly(self, anomaly_id: str) -> Anomaly | None:
        """One anomaly; None where there is none of that id."""
        return self.store.anomaly(anomaly_id)

    def feedback(self, anomaly_id: str, label: str) -> Literal["applied", "queued"] | None:
        """Say what an anomaly really was: at once for posted events, by the worker of its shard for a stream's.

        None where there is no anomaly of that id. Raises as ``Feedback.give`` does.
        """
        anomaly = self.anomaly(anomaly_id)
        return None if anomaly is None else self._feedback.give(anomaly, label)

    def register(self, pattern: Pattern) -> None:
        """Recognise a pattern from now on. Raises ModelNotFound for one of a model that is not there."""
        self.model(pattern.model)
        self._patterns.register(pattern)

    def job(self, job_id: str) -> Job | None:
        """A job as it is now; None where there is none of that id."""
        return self._jobs.get(job_id)

    def _source(self, batch: EventBatch | None, stream: str | None) -> tuple[int | None, Pieces]:
        if batch is not None:
            return len(batch), lambda: _cut(batch)
        if stream is not None:
            self.topics.check(stream)
        there = [info.name for info in self.bus.streams()]
        if stream is None or stream not in there:
            raise ConfigError(
                f"no stream {stream!r}; there are: {', '.join(there) or 'none'}. "
                "Publish events to it first, or post them"
            )
        return None, lambda: self._read(stream)

    def _read(self, stream: str) -> Iterator[EventBatch]:
        """All that a stream holds now, shard after shard: an entity's events are all in one, in order."""
        for shard, last in sorted(self.bus.positions(stream).items()):
            after: int | None = None
            while after is None or after < last:
                read = self.bus.consume(stream, shard, after, _TRAIN_BATCH)
                if not read:
                    break
                after = read[-1][0]
                yield from (batch for _, batch in read)

    def _train(self, model_id: str, pieces: Pieces, labels: Mapping[str, bool], tell: Progress) -> Json:
        scorer = self.model(model_id).scorer
        counts = dict.fromkeys(("events", "anomalies", "labels", "rejected"), 0)
        for piece in pieces():
            found = scorer.score(piece, learn=True)
            counts["events"] += len(piece)
            counts["anomalies"] += len(found.anomalies)
            counts["rejected"] += len(found.rejected)
            counts["labels"] += scorer.label(found.verdicts, labels) if labels else 0
            tell(counts["events"])
        return {**counts, "version": str(self._models.keep(model_id).version)}


def _cut(batch: EventBatch) -> Iterator[EventBatch]:
    for start in range(0, len(batch), _TRAIN_BATCH):
        yield batch.slice(start, start + _TRAIN_BATCH)
