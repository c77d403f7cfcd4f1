"""Models at work on streams. What is deployed stands in the store; every replica has a worker for each, and follows.

A replica may make, list or stop a deployment; the workers of all of them begin and end within about a second. A new
version begins when nobody works with the one before any more.
"""

import base64
import binascii
from threading import RLock

from snnlab.errors import ConfigError, NothingThere, TopicForbidden
from snnlab.events.shards import shard_of
from snnlab.logs import logger
from snnlab.serving.assignment import Assignment, Pace
from snnlab.serving.deployment import DEPLOYMENT, Deployment, DeploymentPage, assigned, name_of, nowhere, replaced_by
from snnlab.serving.history import read
from snnlab.serving.membership import Membership
from snnlab.serving.metrics import Metrics
from snnlab.serving.models import Models
from snnlab.serving.neurons import NeuronState, neuron_state
from snnlab.serving.scorer import Scorer
from snnlab.serving.topics import Topics
from snnlab.serving.worker import Worker
from snnlab.stores import ModelRecord, Store
from snnlab.streams import Bus

__all__ = ["Deployments"]


class Deployments:
    """The workers of one replica. A deployment's record holds the model that its shards began with."""

    def __init__(self, bus: Bus, store: Store, models: Models, metrics: Metrics, pace: Pace, topics: Topics) -> None:
        self._bus = bus
        self._store = store
        self._models = models
        self._metrics = metrics
        self._pace = pace
        self._topics = topics
        self._lock = RLock()
        self._workers: dict[tuple[str, str], Worker] = {}
        self._left_out: set[tuple[str, str]] = set()

    def follow(self) -> None:
        """Let this replica's workers be those of the store's deployments: begin what is new, end what was stopped."""
        with self._lock:
            found = [(record, told["model"], told["stream"]) for record, told in self._running()]
            wanted = {(model, stream): record for record, model, stream in found if self._allowed(model, stream)}
            for key, worker in list(self._workers.items()):
                record = wanted.get(key)
                if record is None or record.metadata["version"] != worker.assignment.version:
                    self._workers.pop(key).stop()
            for key, record in wanted.items():
                if key not in self._workers:
                    self._workers[key] = self._worker(record)
            self._begin()

    def deploy(self, model_id: str, stream: str, *, shards: int = 8, start: str = "beginning") -> Worker:
        """Put a copy of a model to work on a stream, which is made if it is not there; returns this replica's worker.

        A model that worked on the stream before is replaced by what it is now, and goes on where it stood.
        Raises ModelNotFound, OwnedElsewhere where another replica owns the model, TopicForbidden for a stream that may
        not be named, and ConfigError for one that cannot be made or has another number of shards.
        """
        self._topics.check(stream)
        with self._lock:
            kept = self._models.keep(model_id)
            if self._store.record("posted", name_of(model_id, stream)) is not None:
                raise ConfigError(
                    f"anomalies of events posted to model {model_id!r} are told on stream {stream!r}; "
                    "deploy it to another stream"
                )
            self.make(stream, shards)
            if start == "end":
                self._pass_over(model_id, stream)
            code = self._models.get(model_id).code
            told = {"kind": DEPLOYMENT, "model": model_id, "stream": stream, "shards": shards, "code": code}
            replaced = replaced_by(kept.version, self._before(name_of(model_id, stream)))
            version = {"version": kept.version, "replaced": replaced}
            self._store.put_model(name_of(model_id, stream), kept.body, told | version)
            self.follow()
            worker = self._workers.get((model_id, stream))
            if worker is None:  # somebody stopped it in this moment
                raise nowhere(model_id, stream)
            return worker

    def stop(self, model_id: str, stream: str) -> Deployment:
        """Let nobody work with a model on a stream any more; what was done stays kept, for another deployment.

        Raises NothingThere where it was never deployed there.
        """
        record = self._record(model_id, stream)
        if not record.metadata.get("stopped"):
            self._store.put_model(record.name, b"", {**record.metadata, "stopped": True})
        return self.one(model_id, stream)

    def of(self, model_id: str) -> list[Worker]:
        """This replica's workers of a model, by stream."""
        there = self._workers.copy()  # without the lock: stopping a worker takes long, and may be told of meanwhile
        return [there[key] for key in sorted(there) if key[0] == model_id]

    def failures(self) -> dict[str, str]:
        """By deployment: what this replica's worker fails with."""
        return {name_of(*key): worker.failure for key, worker in self._workers.copy().items() if worker.failure}

    def one(self, model_id: str, stream: str, members: Membership | None = None) -> Deployment:
        """A deployment, stopped or not. Raises NothingThere."""
        record = self._record(model_id, stream)
        return Deployment.of(record, self._store, self._failing(members).get(record.name, []))

    def page(
        self,
        members: Membership | None = None,
        *,
        model_id: str | None = None,
        stopped: bool = False,
        limit: int = 100,
        cursor: str | None = None,
    ) -> DeploymentPage:
        """A page of deployments, by model and stream: those that were stopped, or those that were not.

        Raises ConfigError for a cursor that belongs to no page.
        """
        after = "" if cursor is None else _read_cursor(cursor)
        found = [record for record, _ in self._running(stopped=stopped)]
        there = [one for one in found if model_id in {None, one.metadata["model"]} and one.name > after]
        failing = self._failing(members) if there else {}
        items = tuple(Deployment.of(one, self._store, failing.get(one.name, [])) for one in there[:limit])
        return DeploymentPage(items, _cursor(there[limit - 1].name) if len(there) > limit else None)

    def all(self) -> list[Worker]:
        """All workers, by model and stream."""
        there = self._workers.copy()
        return [there[key] for key in sorted(there)]

    def neurons(self, model_id: str, entity: str, stream: str) -> NeuronState:
        """The network of an entity at the last checkpoint of its shard, whichever process wrote it.

        Raises NothingThere for a stream without a deployment or a checkpoint, and for an entity that is not known.
        """
        told = self._record(model_id, stream).metadata
        shard = shard_of(entity, told["shards"])
        saved = read(self._store, Assignment(model_id, told["version"], stream, told["shards"], b"").key(shard))
        if saved is None:
            raise NothingThere(f"shard {shard} of stream {stream!r} has no checkpoint yet; ask again in a second")
        detector = self._models.detector(saved.base)
        saved.onto(detector)
        return neuron_state(detector, entity, told["version"])

    def works_on(self, model_id: str, stream: str) -> bool:
        """Whether a model was deployed to a stream and not stopped there."""
        return any((told["model"], told["stream"]) == (model_id, stream) for _, told in self._running())

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
            if (model_id, stream) not in self._left_out:
                self._left_out.add((model_id, stream))
                log = logger("snnlab.serving").bind(model=model_id, stream=stream)
                log.warning("deployment of the store is left out", reason=str(error))
            return False
        return True

    def make(self, stream: str, shards: int | None = None) -> None:
        """Make a stream if it is not there.

        Raises TopicForbidden for one that may not be named, and ConfigError for one that has another number of shards.
        """
        self._topics.check(stream)
        there = {info.name: info.shards for info in self._bus.streams()}
        if stream not in there:
            self._bus.create(stream, shards or 8)
        elif shards is not None and there[stream] != shards:
            raise ConfigError(
                f"stream {stream!r} has {there[stream]} shards, not {shards}; a stream keeps its shards: "
                f'deploy with "shards": {there[stream]}, or to a stream of another name'
            )

    def _running(self, *, stopped: bool = False) -> list[tuple[ModelRecord, dict]]:
        """The records of deployments, without the models' bytes, and what they tell; by name."""
        found = [(one, one.metadata) for one in self._store.list_models() if one.metadata.get("kind") == DEPLOYMENT]
        return [(one, told) for one, told in found if bool(told.get("stopped")) is stopped]

    def _before(self, name: str) -> dict | None:
        """What a deployment's record tells now, stopped or not; None where there is none."""
        record = self._named(name)
        return None if record is None else record.metadata

    def _record(self, model_id: str, stream: str) -> ModelRecord:
        """The record of a deployment, without the model's bytes, which may be many. Raises NothingThere."""
        record = self._named(name_of(model_id, stream))
        if record is None:
            raise nowhere(model_id, stream)
        return record

    def _named(self, name: str) -> ModelRecord | None:
        found = (one for one in self._store.list_models() if one.name == name)
        return next((one for one in found if one.metadata.get("kind") == DEPLOYMENT), None)

    def _failing(self, members: Membership | None) -> dict[str, list[str]]:
        """By deployment: what the workers of the replicas fail with."""
        failing: dict[str, list[str]] = {}
        mine = members.replica.name if members else "here"
        told = {mine: self.failures()} | {
            one.replica.name: one.failures for one in (members.all() if members else []) if one.replica.name != mine
        }
        for replica, failures in sorted(told.items()):
            for name, why in failures.items():
                failing.setdefault(name, []).append(f"replica {replica}: {why}")
        return failing

    def _pass_over(self, model_id: str, stream: str) -> None:
        for shard, position in self._bus.positions(stream).items():
            if self._bus.committed(model_id, stream, shard) is None:
                self._bus.commit(model_id, stream, shard, position)

    def _worker(self, record: ModelRecord) -> Worker:
        assignment = assigned(self._store.get_model(record.name, record.version))

        def load(body: bytes) -> Scorer:
            return self._models.scorer(body, assignment.model_id, assignment.version)

        return Worker(self._bus, self._store, assignment, load, self._metrics, self._pace)

    def _begin(self) -> None:
        """Let the workers begin whose stream nobody works on with another version of the model."""
        waiting = [worker.assignment for worker in self._workers.values() if not worker.running]
        if not waiting:
            return
        at_work = {(lease.key.stream, *_versioned(lease.key.model)) for lease in self._store.leases()}
        for work in waiting:
            if not any(at[:2] == (work.stream, work.model_id) and at[2] != str(work.version) for at in at_work):
                self._workers[work.model_id, work.stream].start()


def _versioned(name: str) -> tuple[str, str]:
    model, _, version = name.rpartition("@")
    return model, version


def _cursor(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def _read_cursor(cursor: str) -> str:
    try:
        return base64.b64decode(cursor, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as wrong:
        raise ConfigError(
            f"cursor {cursor!r} is of no page; pass on the one that the last page gave, or none"
        ) from wrong
