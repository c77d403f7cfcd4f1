"""Models at work on streams: one worker for each pair, remembered in the store and taken up again after a restart."""

from threading import RLock

import structlog

from snnlab.errors import ConfigError, ModelNotFound, NothingThere, TopicForbidden
from snnlab.events.shards import shard_of
from snnlab.serving.history import read
from snnlab.serving.metrics import Metrics
from snnlab.serving.models import Models
from snnlab.serving.neurons import NeuronState, neuron_state
from snnlab.serving.scorer import Scorer
from snnlab.serving.topics import Topics
from snnlab.serving.worker import Assignment, Pace, Worker
from snnlab.stores import Store
from snnlab.streams import Bus

__all__ = ["Deployments"]

_KIND = "deployment"


class Deployments:
    """The workers of one service. A deployment's record holds the model that its shards began with."""

    def __init__(self, bus: Bus, store: Store, models: Models, metrics: Metrics, pace: Pace, topics: Topics) -> None:
        self._bus = bus
        self._store = store
        self._models = models
        self._metrics = metrics
        self._pace = pace
        self._topics = topics
        self._lock = RLock()
        self._workers: dict[tuple[str, str], Worker] = {}

    def resume(self) -> None:
        """Take the deployments of the store up where they were left; those on streams not allowed are left out."""
        for record in self._store.list_models():
            told = record.metadata
            if told.get("kind") == _KIND and self._allowed(told["model"], told["stream"]):
                body = self._store.get_model(record.name).body
                assignment = Assignment(told["model"], told["version"], told["stream"], told["shards"], body)
                self._work(assignment)

    def deploy(self, model_id: str, stream: str, *, shards: int = 8, start: str = "beginning") -> Worker:
        """Put a copy of a model to work on a stream, which is made if it is not there.

        A model that worked on the stream before is replaced by what it is now, and goes on where it stood.
        Raises ModelNotFound, TopicForbidden for a stream that may not be named, and ConfigError for one that cannot be
        made or has another number of shards.
        """
        self._topics.check(stream)
        with self._lock:
            kept = self._models.keep(model_id)
            self._make(stream, shards)
            if start == "end":
                self._pass_over(model_id, stream)
            code = self._models.get(model_id).code
            told = {"kind": _KIND, "model": model_id, "stream": stream, "shards": shards, "code": code}
            self._store.put_model(f"{model_id}@{stream}", kept.body, told | {"version": kept.version})
            return self._work(Assignment(model_id, kept.version, stream, shards, kept.body))

    def of(self, model_id: str) -> list[Worker]:
        """The workers of a model, by stream."""
        there = self._workers.copy()  # without the lock: stopping a worker takes long, and may be told of meanwhile
        return [there[key] for key in sorted(there) if key[0] == model_id]

    def all(self) -> list[Worker]:
        """All workers, by model and stream."""
        there = self._workers.copy()
        return [there[key] for key in sorted(there)]

    def neurons(self, model_id: str, entity: str, stream: str) -> NeuronState:
        """The network of an entity at the last checkpoint of its shard, whichever process wrote it.

        Raises NothingThere for a stream without a deployment or a checkpoint, and for an entity that is not known.
        """
        try:
            told = self._store.get_model(f"{model_id}@{stream}").metadata
        except ModelNotFound as error:
            raise NothingThere(
                f"model {model_id!r} does not work on a stream {stream!r}; deploy it there, or name no stream"
            ) from error
        shard = shard_of(entity, told["shards"])
        saved = read(self._store, Assignment(model_id, told["version"], stream, told["shards"], b"").key(shard))
        if saved is None:
            raise NothingThere(f"shard {shard} of stream {stream!r} has no checkpoint yet; ask again in a second")
        detector = self._models.detector(saved.base)
        saved.onto(detector)
        return neuron_state(detector, entity, told["version"])

    def close(self) -> None:
        """Stop all workers; what they did is checkpointed."""
        with self._lock:
            for worker in self._workers.values():
                worker.stop()
            self._workers.clear()

    def _allowed(self, model_id: str, stream: str) -> bool:
        try:
            self._topics.check(stream)
        except TopicForbidden as error:
            log = structlog.get_logger("snnlab.serving").bind(model=model_id, stream=stream)
            log.warning("deployment of the store is left out", reason=str(error))
            return False
        return True

    def _make(self, stream: str, shards: int) -> None:
        there = {info.name: info.shards for info in self._bus.streams()}
        if stream not in there:
            self._bus.create(stream, shards)
        elif there[stream] != shards:
            raise ConfigError(
                f"stream {stream!r} has {there[stream]} shards, not {shards}; a stream keeps its shards: "
                f'deploy with "shards": {there[stream]}, or to a stream of another name'
            )

    def _pass_over(self, model_id: str, stream: str) -> None:
        for shard, position in self._bus.positions(stream).items():
            if self._bus.committed(model_id, stream, shard) is None:
                self._bus.commit(model_id, stream, shard, position)

    def _work(self, assignment: Assignment) -> Worker:
        key = (assignment.model_id, assignment.stream)
        with self._lock:
            if key in self._workers:
                self._workers.pop(key).stop()

            def load(body: bytes) -> Scorer:
                return self._models.scorer(body, assignment.model_id, assignment.version)

            worker = Worker(self._bus, self._store, assignment, load, self._metrics, self._pace)
            self._workers[key] = worker
            worker.start()
            return worker
