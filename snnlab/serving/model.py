"""A model in the hands of the replica that owns it."""

from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Self

from snnlab.domains import Domain
from snnlab.serving.model_card import ModelCard
from snnlab.serving.scorer import Mark, Scorer
from snnlab.stores import Lease, ModelRecord, ShardKey

__all__ = ["Model", "columns_read", "key_of"]


def key_of(model_id: str) -> ShardKey:
    """The key under which a model of posted events is owned and checkpointed: of no stream."""
    return ShardKey(model_id, "", 0)


@dataclass
class Model:
    """A model that this replica owns.

    ``features`` and ``categories`` are the columns of its events, as whoever made it ordered them. ``kept`` and
    ``saved`` tell how far its last version and its last checkpoint go; None is not as far as the state it began with.
    """

    record: ModelRecord
    scorer: Scorer
    lease: Lease
    features: tuple[str, ...]
    categories: tuple[str, ...]
    kept: Mark | None
    saved: Mark | None = None
    saved_at: float = 0.0
    cost_s: float = 0.0
    writing: Lock = field(default_factory=Lock, repr=False)

    @classmethod
    def of(cls, record: ModelRecord, scorer: Scorer, lease: Lease, *, kept: bool = True) -> Self:
        """The model that a record of the store tells of; ``kept`` where the scorer holds the record's own bytes."""
        told = record.metadata
        numbers, words = columns_read(scorer.detector.domain)
        return cls(
            record=replace(record, body=b""),
            scorer=scorer,
            lease=lease,
            features=tuple(told["features"] or numbers),
            categories=tuple(told["categories"] or words),
            kept=scorer.mark if kept else None,
            saved=scorer.mark,
        )

    @property
    def model_id(self) -> str:
        """Its name in the store."""
        return self.record.name

    @property
    def code(self) -> bool:
        """Whether it carries code of its own that was agreed to."""
        return bool(self.record.metadata.get("code"))

    @property
    def card(self) -> ModelCard:
        """What is told of it now."""
        return ModelCard.of(self.model_id, self.record.metadata, self.scorer, self.features, self.categories)


def columns_read(domain: Domain) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Numeric columns and categories that a domain's features read, each in order of first use.

    >>> from snnlab.domains import domain
    >>> columns_read(domain("sensor").bind(["pressure"], ["valve"]))
    (('pressure',), ('valve',))
    """
    numbers = dict.fromkeys(feature.numeric_column for feature in domain.features if feature.numeric_column)
    words = dict.fromkeys(column for feature in domain.features for column in feature.category_columns)
    return tuple(numbers), tuple(word for word in words if word not in {"event_type", "entity"})
