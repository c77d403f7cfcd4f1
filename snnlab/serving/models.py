"""The models of a service: made, taken from the Bento or the store, and kept in the store as they learn."""

import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, Self

from snnlab.config import NeuromorphicConfig
from snnlab.detectors import Detector
from snnlab.domains import Domain
from snnlab.domains import domain as domain_of
from snnlab.errors import ModelNotFound, SnnlabError
from snnlab.logs import logger
from snnlab.serving.bento import Bundled
from snnlab.serving.metrics import Metrics
from snnlab.serving.patterns import PatternMemory
from snnlab.serving.scorer import Scorer
from snnlab.serving.size import check_size
from snnlab.serving.spikes import Spikes
from snnlab.serving.vouched import VouchedCode
from snnlab.stores import ModelRecord, Store
from snnlab.types import Json

__all__ = ["Model", "Models", "columns_read"]

_KIND = "model"
_TAUGHT = -1  # no count of events: the model differs from what was kept, though it may have seen no more of them


@dataclass(frozen=True)
class Model:
    """A model of the service.

    ``features`` and ``categories`` are the columns of its events, as whoever made it ordered them.
    ``kept_events`` tells how many events it had seen when it was last written.
    """

    model_id: str
    name: str
    created_at: int
    features: tuple[str, ...]
    categories: tuple[str, ...]
    scorer: Scorer
    kept_events: int
    code: bool = False

    @classmethod
    def of(cls, record: ModelRecord, scorer: Scorer) -> Self:
        """The model that a record of the store tells of."""
        told = record.metadata
        numbers, words = columns_read(scorer.detector.domain)
        return cls(
            model_id=record.name,
            name=told["name"],
            created_at=told["created_at"],
            features=tuple(told["features"] or numbers),
            categories=tuple(told["categories"] or words),
            scorer=scorer,
            kept_events=scorer.detector.n_events,
            code=bool(told.get("code")),
        )


class Models:
    """The models of one service, by id. Use it from any number of threads."""

    def __init__(self, store: Store, metrics: Metrics, patterns: PatternMemory, spikes: Spikes) -> None:
        self._store = store
        self._metrics = metrics
        self._patterns = patterns
        self._spikes = spikes
        self._vouched = VouchedCode()
        self._lock = Lock()
        self._keeping = Lock()  # writing a model takes long; meanwhile the others must be found
        self._known: dict[str, Model] = {}

    def load(self, bundled: Iterable[Bundled]) -> None:
        """Take in the models of the Bento, and those of the store."""
        records = {record.name: record for record in self._store.list_models() if record.metadata.get("kind") == _KIND}
        bundled = list(bundled)
        for bundle in bundled:
            if bundle.entry.code:
                self._vouched.agree(bundle.content)
        for bundle in bundled:
            self._adopt(bundle, records.get(bundle.entry.name))
        for name in records.keys() - self._known.keys():
            self._restore(name)

    def create(
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
        known = domain_of(domain)
        config = NeuromorphicConfig.from_dict(neuromorphic) if neuromorphic is not None else None
        if config is not None:
            check_size(config)
        columns = {"features": list(features), "categories": list(categories)}
        detector = Detector.build(
            known, names=columns["features"], categories=columns["categories"], entities=True, seed=seed, config=config
        )
        return self._add(f"{name or domain}-{secrets.token_hex(4)}", name or domain, detector, columns)

    def all(self) -> list[Model]:
        """All models, by id."""
        with self._lock:
            return [self._known[key] for key in sorted(self._known)]

    def get(self, model_id: str) -> Model:
        """One model. Raises ModelNotFound."""
        with self._lock:
            if model_id in self._known:
                return self._known[model_id]
            known = ", ".join(sorted(self._known)[:20]) or "none"
        raise ModelNotFound(f"no model {model_id!r}; there are: {known}. POST /api/v1/models makes one")

    def keep(self, model_id: str) -> ModelRecord:
        """The model as it is now, written to the store as a new version if it has seen events since the last one."""
        with self._keeping:
            model = self.get(model_id)
            seen = model.scorer.detector.n_events
            record = self._store.get_model(model_id)
            if seen != model.kept_events:
                body = model.scorer.save()
                record = replace(self._store.put_model(model_id, body, record.metadata), body=body)
                model.scorer.version = record.version
                with self._lock:
                    self._known[model_id] = replace(model, kept_events=seen)
            return record

    def teach(self, model_id: str, event_id: str, *, normal: bool) -> bool:
        """Teach a model a label, to be kept with it; False where it no longer remembers the event."""
        if not self.get(model_id).scorer.teach(event_id, normal=normal):
            return False
        with self._lock:
            self._known[model_id] = replace(self._known[model_id], kept_events=_TAUGHT)
        return True

    def detector(self, body: bytes) -> Detector:
        """A detector of its own for ``body``, which may come from a store that others write to.

        Raises ModelError for bytes that are no model, UntrustedCode for code that no model of the Bento carries.
        """
        return Detector.load(body, trust_code=self._vouched.covers(body))

    def scorer(self, body: bytes, model_id: str, version: int) -> Scorer:
        """A detector at work of its own for ``body``. Raises as ``detector`` does."""
        return Scorer(self.detector(body), model_id, version, self._metrics, self._patterns, self._spikes)

    def _adopt(self, bundle: Bundled, kept: ModelRecord | None) -> None:
        """A model of the Bento: as the store has it if it grew out of the same file, else as the Bento has it."""
        entry = bundle.entry
        if kept is not None and kept.metadata.get("digest") == entry.digest and self._restore(entry.name):
            return
        self._add(entry.name, entry.name, self.detector(bundle.content), {"digest": entry.digest, "code": entry.code})

    def _add(self, model_id: str, name: str, detector: Detector, told: Json) -> Model:
        created_at = time.time_ns() // 1000
        metadata = {"kind": _KIND, "name": name, "created_at": created_at, "features": [], "categories": [], **told}
        record = self._store.put_model(model_id, detector.save(), metadata)
        model = Model.of(
            record, Scorer(detector, model_id, record.version, self._metrics, self._patterns, self._spikes)
        )
        with self._lock:
            self._known[model_id] = model
        return model

    def _restore(self, model_id: str) -> bool:
        """A model of the store; one that cannot be loaded is told of and left out, so that the others are served."""
        try:
            record = self._store.get_model(model_id)
            scorer = self.scorer(record.body, model_id, record.version)
        except SnnlabError as error:
            log = logger("snnlab.serving")
            log.warning("model of the store cannot be loaded and is left out", model=model_id, exc_info=error)
            return False
        with self._lock:
            self._known[model_id] = Model.of(record, scorer)
        return True


def columns_read(domain: Domain) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Numeric columns and categories that a domain's features read, each in order of first use.

    >>> columns_read(domain_of("sensor").bind(["pressure"], ["valve"]))
    (('pressure',), ('valve',))
    """
    numbers = dict.fromkeys(feature.numeric_column for feature in domain.features if feature.numeric_column)
    words = dict.fromkeys(column for feature in domain.features for column in feature.category_columns)
    return tuple(numbers), tuple(word for word in words if word not in {"event_type", "entity"})
