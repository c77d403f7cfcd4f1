"""The models of a service: made, taken from the Bento or the store, and kept in the store as they learn.

Replicas share the store. A model's online state is in one replica at a time, which owns it under a lease; it writes
checkpoints under that lease, and the next owner begins with the last of them. A version is what the model was when it
was trained, deployed or put down.
"""

import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from threading import RLock

from snnlab.detectors import Detector
from snnlab.errors import ModelError, ModelNotFound, OwnedElsewhere, SnnlabError
from snnlab.logs import logger
from snnlab.serving.bento import Bundled
from snnlab.serving.metrics import Metrics
from snnlab.serving.model import Model, columns_read, key_of
from snnlab.serving.model_card import ModelCard
from snnlab.serving.ownership import Ownership
from snnlab.serving.patterns import PatternMemory
from snnlab.serving.scorer import Mark, Scorer
from snnlab.serving.spikes import Spikes
from snnlab.serving.untrained import Untrained
from snnlab.serving.vouched import VouchedCode
from snnlab.serving.warm import warm_up
from snnlab.stores import Lease, ModelRecord, Store
from snnlab.types import Json

__all__ = ["Model", "Models", "columns_read", "key_of"]

_KIND = "model"
_GROWN_FROM = "grown-from"  # the row of a checkpoint that tells the digest of the Bento's file which it grew out of
_SERVING_A_CHECKPOINT = 99.0  # times as long is served as is spent on checkpoints
_LONGEST_PAUSE_S = 30.0


class Models:
    """The models of one replica, by id. Use it from any number of threads."""

    def __init__(
        self, store: Store, ownership: Ownership, metrics: Metrics, patterns: PatternMemory, spikes: Spikes
    ) -> None:
        self._store = store
        self._ownership = ownership
        self._metrics = metrics
        self._patterns = patterns
        self._spikes = spikes
        self._vouched = VouchedCode()
        self._taking = RLock()  # a model is taken once, however many ask for it
        self._held: dict[str, Model] = {}
        self._bundled: dict[str, Bundled] = {}
        self._left_out: set[tuple[str, int]] = set()

    def load(self, bundled: Iterable[Bundled]) -> None:
        """Take in the models of the Bento and those of the store, but for those that another replica owns."""
        self._bundled = {bundle.entry.name: bundle for bundle in bundled}
        for bundle in self._bundled.values():
            if bundle.entry.code:
                self._vouched.agree(bundle.content)
        for model_id in sorted(self._bundled):
            with suppress(OwnedElsewhere):
                self.get(model_id)
        for record in self._records():
            try:
                self.get(record.name)
            except OwnedElsewhere:
                continue
            except SnnlabError as error:
                self._leave_out(record, error)

    def create(self, model_id: str, wanted: Untrained) -> Model:
        """A new model. Raises ConfigError for a domain, names or a network that cannot be used."""
        detector = wanted.detector()
        warm_up(detector.anew())  # a form of network that nobody had yet is compiled before its first event
        lease = self._ownership.take(key_of(model_id))
        try:
            return self._add(model_id, detector, wanted.metadata(), lease)
        except SnnlabError:
            self._ownership.release(lease.key)
            raise

    def cards(self) -> list[ModelCard]:
        """What is told of all models, by id: of those held here as they are, of the others as they were last kept."""
        return [card for record in self._records() if (card := self._card(record)) is not None]

    def card(self, model_id: str) -> ModelCard:
        """What is told of one model; see ``cards``. Raises ModelNotFound."""
        model = self.at_hand(model_id)
        if model is not None:
            return model.card
        found = self._store.record(_KIND, model_id)
        return ModelCard.read(found) if found is not None else self.get(model_id).card

    def held(self) -> list[Model]:
        """The models that are owned here."""
        return [model for _, model in sorted(self._held.copy().items()) if self._ownership.holds(model.lease.key)]

    def at_hand(self, model_id: str) -> Model | None:
        """A model that is owned here; None for every other. Asks no store, and costs next to nothing."""
        model = self._held.get(model_id)
        return model if model is not None and self._ownership.holds(model.lease.key) else None

    def get(self, model_id: str) -> Model:
        """A model, owned here from now on if it was not yet.

        Raises ModelNotFound, and OwnedElsewhere where another replica owns it.
        """
        return self.at_hand(model_id) or self._take(model_id)

    def keep(self, model_id: str) -> ModelRecord:
        """The model as it is now, written to the store as a new version if it has changed since the last one.

        Raises as ``get`` does.
        """
        model = self.get(model_id)
        with model.writing:
            if model.scorer.mark == model.kept:
                return self._store.get_model(model_id)
            mark, body = self._save(model)
            record = self._store.put_model(model_id, body, model.record.metadata)
            model.kept, model.record = mark, replace(record, body=b"")
            model.scorer.version = record.version
            self._tell(model)
            return replace(record, body=body)

    def checkpoint(self) -> None:
        """Write a checkpoint of each model that has changed since its last one, unless they take too long for that."""
        for model_id, model in self._held.copy().items():
            if self._ownership.lease(model.lease.key) is None:
                self._held.pop(model_id, None)
                continue
            due = model.saved_at + min(_SERVING_A_CHECKPOINT * model.cost_s, _LONGEST_PAUSE_S)
            if model.scorer.mark != model.saved and time.monotonic() >= due:
                with suppress(OwnedElsewhere), model.writing:
                    self._save(model)
                    self._tell(model)

    def teach(self, model_id: str, event_id: str, *, normal: bool) -> bool:
        """Teach a model a label, to be kept with it; False where it no longer remembers the event."""
        return self.get(model_id).scorer.teach(event_id, normal=normal)

    def detector(self, body: bytes) -> Detector:
        """A detector of its own for ``body``, which may come from a store that others write to.

        Raises ModelError for bytes that are no model, UntrustedCode for code that no model of the Bento carries.
        """
        return Detector.load(body, trust_code=self._vouched.covers(body))

    def scorer(self, body: bytes, model_id: str, version: int) -> Scorer:
        """A detector at work of its own for ``body``. Raises as ``detector`` does."""
        return self._scorer(self.detector(body), model_id, version)

    def close(self) -> None:
        """Keep what the models have learnt, and leave them to other replicas."""
        for model in self.held():
            try:
                self.keep(model.model_id)
                self._ownership.release(model.lease.key)
            except SnnlabError as error:
                log = logger("snnlab.serving")
                log.warning("model is left as its last checkpoint has it", model=model.model_id, reason=str(error))
            self._held.pop(model.model_id, None)

    def _leave_out(self, record: ModelRecord, error: SnnlabError) -> None:
        self._left_out.add((record.name, record.version))
        log = logger("snnlab.serving")
        log.warning("model of the store cannot be loaded and is left out", model=record.name, exc_info=error)

    def _records(self) -> list[ModelRecord]:
        return [record for record in self._store.list_models() if record.metadata.get("kind") == _KIND]

    def _card(self, record: ModelRecord) -> ModelCard | None:
        if (record.name, record.version) in self._left_out:
            return None
        try:
            return self.card(record.name)
        except OwnedElsewhere:
            return None  # it is being made at this moment
        except SnnlabError as error:
            self._leave_out(record, error)
            return None

    def _take(self, model_id: str) -> Model:
        with self._taking:
            model = self.at_hand(model_id)
            if model is not None:
                return model
            self._ownership.check(key_of(model_id))
            record = self._record(model_id)
            lease = self._ownership.take(key_of(model_id))
            model = self._held.get(model_id)
            if model is not None and model.lease.epoch + 1 == lease.epoch:
                model.lease = lease  # nobody else had it meanwhile
                return model
            try:
                return self._begin(model_id, record, lease)
            except SnnlabError:
                self._ownership.release(lease.key)
                raise

    def _record(self, model_id: str) -> ModelRecord | None:
        """The latest version of a model; None for one of the Bento that the store has not yet."""
        try:
            record = self._store.get_model(model_id)
        except ModelNotFound as error:
            if model_id in self._bundled:
                return None
            raise self._not_found(model_id) from error
        except ModelError:
            if model_id in self._bundled:
                return None
            raise
        if record.metadata.get("kind") != _KIND:
            raise self._not_found(model_id)
        return record

    def _not_found(self, model_id: str) -> ModelNotFound:
        known = ", ".join(record.name for record in self._records()[:20]) or "none"
        return ModelNotFound(f"no model {model_id!r}; there are: {known}. POST /api/v1/models makes one")

    def _begin(self, model_id: str, record: ModelRecord | None, lease: Lease) -> Model:
        """A model as its last owner left it, or as the Bento has it: the first time, and unless it grew out of that."""
        bundle = self._bundled.pop(model_id, None)
        if bundle is not None and (record is None or record.metadata.get("digest") != bundle.entry.digest):
            return self._adopt(bundle, lease)
        if record is None:
            raise self._not_found(model_id)
        try:
            model = self._restored(record, lease)
        except SnnlabError:
            if bundle is None:
                raise
            return self._adopt(bundle, lease)
        self._held[model_id] = model
        if self._store.record(_KIND, model_id) is None:
            self._tell(model)
        return model

    def _restored(self, record: ModelRecord, lease: Lease) -> Model:
        saved = self._store.load(lease.key)
        if saved is not None and saved.head != record.body and self._same_root(record, lease):
            return Model.of(record, self.scorer(saved.head, record.name, record.version), lease, kept=False)
        return Model.of(record, self.scorer(record.body, record.name, record.version), lease)

    def _same_root(self, record: ModelRecord, lease: Lease) -> bool:
        root = self._store.rows(lease.key, [_GROWN_FROM]).get(_GROWN_FROM, b"")
        return bool(root.decode() == record.metadata.get("digest", ""))

    def _adopt(self, bundle: Bundled, lease: Lease) -> Model:
        entry = bundle.entry
        told = {"name": entry.name, "features": [], "categories": [], "digest": entry.digest, "code": entry.code}
        return self._add(entry.name, self.detector(bundle.content), told, lease)

    def _add(self, model_id: str, detector: Detector, told: Json, lease: Lease) -> Model:
        metadata = {"kind": _KIND, "created_at": time.time_ns() // 1000, **told}
        record = self._store.put_model(model_id, detector.save(), metadata)
        model = self._held[model_id] = Model.of(record, self._scorer(detector, model_id, record.version), lease)
        self._tell(model)
        return model

    def _scorer(self, detector: Detector, model_id: str, version: int) -> Scorer:
        return Scorer(detector, model_id, version, self._metrics, self._patterns, self._spikes)

    def _save(self, model: Model) -> tuple[Mark, bytes]:
        """Write a checkpoint. Raises OwnedElsewhere, and holds the model no longer, where another has it by now."""
        begun = time.monotonic()
        mark, body = model.scorer.snapshot()
        root = str(model.record.metadata.get("digest", "")).encode()
        if not self._store.save(model.lease, mark.events, body, {_GROWN_FROM: root}):
            self._held.pop(model.model_id, None)
            self._ownership.drop(model.lease.key)
            raise OwnedElsewhere(
                f"model {model.model_id!r} was lost to another replica; ask again in a second", model.model_id
            )
        model.saved, model.saved_at = mark, time.monotonic()
        model.cost_s = model.saved_at - begun
        return mark, body

    def _tell(self, model: Model) -> None:
        self._store.put_record(_KIND, model.model_id, model.card.write())
