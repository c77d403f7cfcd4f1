"""A Domain: what a stream means. Declarative data that travels with the model."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from snnlab.config import NeuromorphicConfig
from snnlab.errors import ConfigError
from snnlab.features import Clock, Feature
from snnlab.features.feature import Aggregate

FOREVER_US = 1 << 62

__all__ = ["AnomalyType", "Domain", "ReadoutSpec"]


class AnomalyType(BaseModel):
    """A kind of anomaly: how it shows, what words hint at it, and what to do.

    ``signature`` weighs what speaks for this type: a group of features (``"latency"``), or a readout
    (``"readout:change"``); a negative weight speaks against it. ``hints`` are words in the names of columns that the
    domain does not know, by which a group of a user's own data is taken for this type.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    title: str = ""
    signature: dict[str, float] = Field(default_factory=dict)
    hints: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()


class ReadoutSpec(BaseModel):
    """A readout by its kind, with its settings.

    With ``groups`` it sees only the features of these groups, and is meant for the domain's own features; without, it
    sees all features and is meant for the columns of any stream. ``aggregates`` narrows that to features made in these
    ways: ``("deviation",)`` are those against the entity's own past. Where a stream has none it is left out.
    ``among_entities`` is what its weight is multiplied with where events belong to several entities, of which it knows
    the values only all together.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    settings: dict[str, Any] = Field(default_factory=dict)
    groups: tuple[str, ...] = ()
    aggregates: tuple[Aggregate, ...] = ()
    among_entities: float = Field(default=1.0, gt=0)

    def sees(self, feature: Feature) -> bool:
        """Whether a feature is one of those that it looks at."""
        return feature.group in (self.groups or {feature.group}) and (
            feature.aggregate in (self.aggregates or {feature.aggregate})
        )


class Domain(BaseModel):
    """What a stream means: the routing key, named features, the clock, anomaly types and the evidence that counts.

    ``features`` are those of a stream that has all the columns they name. For any other columns ``bind`` makes
    generic features by ``numbers`` and ``relative``: every numeric column as it is and, where events belong to
    entities, against the entity's own past as well; every text column as a category.
    ``recall`` is how many of its last events a shard remembers for labels that come late, as far as their features fit
    64 MiB.
    ``codes`` names an encoder for a feature (its JSON), ``network`` gives the default by its input layer.
    ``threshold`` is the score (-log10 of the tail probability) from which an event is an anomaly; ``refractory`` is the
    silence after an alarm, in events of the entity; ``gate`` is the rarity beyond which a run of events no longer
    teaches what is rare.

    Example:
        >>> domain = Domain(name="doors", features=(Feature(name="speed", column="speed"),))
        >>> domain.bind(["speed"], []).features[0].name
        'speed'
        >>> [f.name for f in domain.bind(["load"], ["user"]).features]
        ['load', 'user']
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, pattern=r"^[a-z][a-z0-9_]*$")
    title: str = ""
    entity: str = "entity"
    features: tuple[Feature, ...] = ()
    clock: Clock = Clock()
    types: tuple[AnomalyType, ...] = ()
    readouts: tuple[ReadoutSpec, ...] = ()
    network: NeuromorphicConfig = NeuromorphicConfig()
    codes: dict[str, dict[str, Any]] = Field(default_factory=dict)
    relative: bool = True
    relative_window: float = Field(default=30 * 86_400.0, gt=0)
    threshold: float = Field(default=3.3, gt=0)
    gate: float = Field(default=3.0, gt=0)
    refractory: int = Field(default=60, ge=0)
    recall: int = Field(default=4096, ge=1)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        for what, names in (("feature", [f.name for f in self.features]), ("type", [t.name for t in self.types])):
            twice = sorted(name for name, times in Counter(names).items() if times > 1)
            if twice:
                raise ValueError(f"{what} {twice[0]!r} is named twice in domain {self.name!r}; give each its own name")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the named features read."""
        return tuple(dict.fromkeys(c for f in self.features for c in (f.numeric_column, *f.category_columns) if c))

    def bind(
        self, names: Sequence[str], categories: Sequence[str], *, entities: bool = False, timed: bool = True
    ) -> "Domain":
        """This domain for a stream of these columns: its own features if they are all there, else generic ones.

        ``entities`` tells that events belong to more than one entity; ``timed`` that they have real times, without
        which nothing that reads the time of day is kept and no event is late.

        Raises:
            ConfigError: there is neither a numeric nor a category column.
        """
        if not names and not categories:
            raise ConfigError(f"domain {self.name!r} has no column to read; give at least one numeric or text column")
        there = {*names, *categories, "event_type", "entity"}
        own = bool(self.features) and there.issuperset(self.columns)
        features = self.features if own else self._generic(names, categories, entities)
        meant = [spec for spec in self.readouts if bool(spec.groups) == own] or self.readouts
        readouts = tuple(
            spec if entities else spec.model_copy(update={"among_entities": 1.0})
            for spec in meant
            if (timed or spec.kind != "phase") and not (spec.aggregates and not any(map(spec.sees, features)))
        )
        clock = self.clock if timed else self.clock.model_copy(update={"lateness_us": FOREVER_US})
        return self.model_copy(update={"features": features, "readouts": readouts, "clock": clock})

    def _generic(self, names: Sequence[str], categories: Sequence[str], entities: bool) -> tuple[Feature, ...]:
        made = [Feature(name=name, aggregate="value", column=name, group=name) for name in names]
        if entities and self.relative:
            made += [
                Feature(name=f"{name}~", aggregate="deviation", column=name, group=name, window=self.relative_window)
                for name in names
            ]
        made += [Feature(name=name, aggregate="category", column=name, group=name) for name in categories]
        return tuple(made)

    def actions(self, kind: str) -> tuple[str, ...]:
        """What is recommended for an anomaly type; empty for one that the domain does not know."""
        return next((t.actions for t in self.types if t.name == kind), ())

    def to_json(self) -> dict[str, Any]:
        """JSON that ``from_json`` reads back to an equal domain."""
        return self.model_dump(mode="json")

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """A domain from ``to_json``. Raises ConfigError that names what cannot be used."""
        try:
            return cls.model_validate({**content, "network": NeuromorphicConfig.from_dict(content.get("network", {}))})
        except ValidationError as wrong:
            first = wrong.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise ConfigError(f"domain {content.get('name')!r}: {place}: {first['msg']}") from wrong
