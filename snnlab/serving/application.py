"""The service without a server: models, deployments, anomalies, patterns and jobs over a bus, a store and detectors.

Every door (REST, and those to come) calls this object and nothing below it. It knows no HTTP: what it cannot do it
says with snnlab's errors, and what it does not find with None.

A model is scored and trained through its id. Deploying it puts a copy of it, as it is then, to work on each shard of
a stream; the copies learn from their shards and are kept by checkpoints, and training the model later does not touch
them until it is deployed again.

Several replicas share a bus and a store, and nothing else. What needs a model that another replica owns raises
OwnedElsewhere, which every door answers by asking that replica; all else is told from the store, or by all of them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

from snnlab.events import EventBatch
from snnlab.events.anomaly import Anomaly
from snnlab.serving.assignment import Pace
from snnlab.serving.bento import Bundled
from snnlab.serving.deployment import Deployment, DeploymentPage
from snnlab.serving.deployments import Deployments
from snnlab.serving.feedback import Feedback
from snnlab.serving.jobs import Job, Jobs
from snnlab.serving.lag import LagWatch
from snnlab.serving.membership import Membership
from snnlab.serving.metrics import Metrics, Snapshot
from snnlab.serving.model import Model, key_of
from snnlab.serving.model_card import ModelCard
from snnlab.serving.models import Models
from snnlab.serving.neurons import NeuronState, neuron_state
from snnlab.serving.ownership import Ownership
from snnlab.serving.patterns import PatternMemory
from snnlab.serving.peers import Peers
from snnlab.serving.periodic import Periodic
from snnlab.serving.posted import PostedStreams
from snnlab.serving.promptly import Promptly
from snnlab.serving.replica import Replica
from snnlab.serving.scorer import Found
from snnlab.serving.spikes import Spikes
from snnlab.serving.telling import Telling
from snnlab.serving.topics import Topics
from snnlab.serving.totals import together
from snnlab.serving.training import Training
from snnlab.serving.untrained import Untrained
from snnlab.serving.worker import Worker
from snnlab.stores import AnomalyFilter, AnomalyPage, Pattern, Store
from snnlab.streams import Bus

__all__ = ["Application"]

_FOLLOW_S = 0.5  # between looks at what is deployed
_EXPIRE_S = 60.0


class Application:
    """One service over one bus and one store. Use it from any number of threads, between ``start`` and ``close``."""

    def __init__(
        self,
        bus: Bus,
        store: Store,
        *,
        pace: Pace | None = None,
        topics: Topics | None = None,
        peers: Peers | None = None,
    ) -> None:
        pace = pace or Pace()
        self.topics = topics or Topics("*")
        self.bus = bus
        self.store = store
        self.peers = peers or Peers(Replica.here())
        self.metrics = Metrics()
        self.spikes = Spikes(self.replica.name)
        self._patterns = PatternMemory(store)
        self._ownership = Ownership(store, self.replica, pace.hold_s)
        self._models = Models(store, self._ownership, self.metrics, self._patterns, self.spikes)
        self._deployments = Deployments(bus, store, self._models, self.metrics, pace, self.topics)
        self.members = Membership(store, self.replica, pace.hold_s, self._deployments.failures)
        self._posted = PostedStreams(store, self._deployments)
        self._telling = Telling(bus, store, pace.keep_s)
        self._feedback = Feedback(bus, store, self._models, self._posted)
        self._lag = LagWatch(bus, self._deployments.all, self.metrics)
        self._jobs = Jobs(store, self.replica.name, lambda: {one.replica.name for one in self.members.all()})
        self._promptly = Promptly(self._jobs)
        self._training = Training(bus, self._models, self._jobs, self.topics)
        self._periodic = (
            Periodic(self._renew, min(pace.hold_s / 10.0, 1.0), "renewal"),
            Periodic(self._models.checkpoint, max(pace.checkpoint_s, 0.05), "checkpoints"),
            Periodic(self._deployments.follow, _FOLLOW_S, "deployments"),
            Periodic(self._expire, _EXPIRE_S, "expiry"),
            self._patterns.follower(),
        )

    @property
    def replica(self) -> Replica:
        """This replica."""
        return self.peers.here

    def start(self, bundled: Iterable[Bundled] = ()) -> None:
        """Load the models of the store and those of the Bento, and take deployments up where they were left."""
        self.members.beat()
        self._models.load(bundled)
        self._deployments.follow()
        self._lag.start()
        for periodic in self._periodic:
            periodic.start()

    def close(self) -> None:
        """Stop jobs and workers, and leave what the models have learnt to others. The bus and the store stay open."""
        self._lag.stop()
        self._promptly.close()
        self._jobs.close(wait=False)
        for periodic in self._periodic[1:]:
            periodic.stop()
        self._deployments.close()
        self._models.close()
        self._periodic[0].stop()
        self.members.leave()
        self.peers.close()

    def create_model(self, wanted: Untrained, *, soon_s: float | None = None) -> Model | Job:
        """A new, untrained model; or the job that makes it, where that takes longer than ``soon_s``.

        Raises ConfigError for a domain, names or a network that cannot be used, or is too large.
        """
        model_id = wanted.fresh_id()
        return self._promptly.begin(
            "create",
            model_id,
            lambda: self._models.create(model_id, wanted),
            lambda model: {"model_id": model_id, "version": str(model.record.version)},
            soon_s=soon_s,
        )

    def models(self) -> list[ModelCard]:
        """All models, by id: each as its owner tells of it now, else as it was last kept."""
        cards = {card.model_id: card for card in self._models.cards()}
        cards |= {card.model_id: card for card in self.peers.cards(self.members.others())}
        return [cards[model_id] for model_id in sorted(cards)]

    def card(self, model_id: str) -> ModelCard:
        """One model, told of in the same way. Raises ModelNotFound."""
        if self._models.at_hand(model_id) is None:
            owner = self._ownership.owner(key_of(model_id))
            if owner is not None and owner.http and (card := self.peers.card(owner, model_id)) is not None:
                return card
        return self._models.card(model_id)

    def held(self) -> list[Model]:
        """The models that this replica owns."""
        return self._models.held()

    def at_hand(self, model_id: str) -> Model | None:
        """A model that this replica owns, at no cost; None for any other."""
        return self._models.at_hand(model_id)

    def model(self, model_id: str) -> Model:
        """One model, owned by this replica from now on. Raises ModelNotFound, and OwnedElsewhere where it cannot be."""
        return self._models.get(model_id)

    def disowned(self, model_id: str) -> None:
        """The replica that was said to own a model does not answer: the store is asked again next time."""
        self._ownership.forget(key_of(model_id))

    def score(self, model_id: str, batch: EventBatch, *, learn: bool = True, stream: str = "") -> Found:
        """Verdicts on events at once; their anomalies can be asked for afterwards. Raises DataError.

        With ``stream`` the anomalies are told on that stream, too; see ``PostedStreams``.
        """
        found = self.verdicts(model_id, batch, learn=learn, stream=stream)
        if found.anomalies:
            self.keep(found.anomalies)
        return found

    def verdicts(self, model_id: str, batch: EventBatch, *, learn: bool = True, stream: str = "") -> Found:
        """Verdicts on events at once, for who keeps the anomalies elsewhere: nothing is written. Raises DataError."""
        scorer = self.model(model_id).scorer
        if stream:
            self._posted.join(model_id, stream)
        return scorer.score(batch, learn=learn, stream=stream)

    def joined(self, model_id: str, stream: str) -> bool:
        """Whether ``verdicts`` can be asked for with this stream without a look at the store."""
        return not stream or self._posted.known(model_id, stream)

    def keep(self, anomalies: Sequence[Anomaly]) -> None:
        """Tell anomalies of posted events on their stream, and let them be asked for."""
        self._telling.tell(anomalies)

    def publish(self, anomalies: Sequence[Anomaly]) -> Callable[[], None]:
        """The first half of ``keep``; what is returned does the second, and has to be called."""
        return self._telling.publish(anomalies)

    def neurons(self, model_id: str, entity: str, stream: str | None = None) -> NeuronState:
        """The network as an entity's last event left it: the model's own, or at the last checkpoint on a stream.

        Raises ModelNotFound, and NothingThere for an entity that is not known or a stream without a checkpoint.
        """
        if stream is None:
            scorer = self.model(model_id).scorer
            with scorer.resting() as detector:
                return neuron_state(detector, entity, scorer.version)
        self._models.card(model_id)
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
        self.model(model_id)  # it learns where it is owned
        return self._training.begin(model_id, batch, stream, labels or {})

    def deploy(
        self, model_id: str, stream: str, *, shards: int = 8, start: str = "beginning", soon_s: float | None = None
    ) -> Worker | Job:
        """Put a copy of a model to work on a stream; see ``Deployments.deploy``.

        Or the job that does so, where writing the model takes longer than ``soon_s``.
        """
        return self._promptly.begin(
            "deploy",
            model_id,
            lambda: self._deployments.deploy(model_id, stream, shards=shards, start=start),
            lambda worker: {"model_id": model_id, "stream": stream, "version": str(worker.assignment.version)},
            soon_s=soon_s,
        )

    def deployments(self, model_id: str) -> list[Worker]:
        """This replica's workers of a model, by stream."""
        return self._deployments.of(model_id)

    def deployed(
        self, *, model_id: str | None = None, stopped: bool = False, limit: int = 100, cursor: str | None = None
    ) -> DeploymentPage:
        """A page of what is at work on streams, or was stopped there, whichever replica works on it."""
        return self._deployments.page(self.members, model_id=model_id, stopped=stopped, limit=limit, cursor=cursor)

    def deployment(self, model_id: str, stream: str) -> Deployment:
        """A model on a stream, at work or stopped. Raises NothingThere."""
        return self._deployments.one(model_id, stream, self.members)

    def stop(self, model_id: str, stream: str) -> Deployment:
        """Let no replica work with a model on a stream any more. Raises NothingThere."""
        return self._deployments.stop(model_id, stream)

    def snapshot(self) -> Snapshot:
        """What all replicas that answer have measured."""
        told = self.peers.snapshots(self.members.others())
        return together({self.replica.name: self.metrics.snapshot(), **told})

    def anomalies(self, wanted: AnomalyFilter, *, limit: int = 100, cursor: str | None = None) -> AnomalyPage:
        """A page of anomalies, newest first. Raises ConfigError for a cursor that belongs to no page."""
        self._telling.settle()
        return self.store.anomalies(wanted, limit=limit, cursor=cursor)

    def anomaly(self, anomaly_id: str) -> Anomaly | None:
        """One anomaly; None where there is none of that id."""
        self._telling.settle()
        return self.store.anomaly(anomaly_id)

    def feedback(self, anomaly_id: str, label: str) -> Literal["applied", "queued"] | None:
        """Say what an anomaly really was: at once for posted events, by the worker of its shard for a stream's.

        None where there is no anomaly of that id. Raises as ``Feedback.give`` does.
        """
        anomaly = self.anomaly(anomaly_id)
        return None if anomaly is None else self._feedback.give(anomaly, label)

    def register(self, pattern: Pattern) -> None:
        """Recognise a pattern from now on. Raises ModelNotFound for one of a model that is not there."""
        self._models.card(pattern.model)
        self._patterns.register(pattern)

    def patterns(self, model_id: str | None = None) -> list[Pattern]:
        """The registered patterns, oldest first; of one model, or all."""
        return self.store.patterns(model=model_id)

    def forget(self, pattern_id: str) -> bool:
        """Recognise a pattern no more; False where there is none of that id."""
        return self._patterns.forget(pattern_id)

    def job(self, job_id: str) -> Job | None:
        """A job as it is now; None where there is none of that id."""
        return self._jobs.get(job_id)

    def _renew(self) -> None:
        self.members.beat()
        self._ownership.renew()

    def _expire(self) -> None:
        self.store.expire()
