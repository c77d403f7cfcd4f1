"""Requests of the REST interface. They are strict: nothing is guessed, no key is ignored."""

from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from snnlab.errors import EventError
from snnlab.events import EventBatch
from snnlab.serving.untrained import Untrained
from snnlab.types import Json

__all__ = [
    "AnomalyQuery",
    "CreateModel",
    "Deploy",
    "DeploymentQuery",
    "Event",
    "GiveFeedback",
    "PatternQuery",
    "RegisterPattern",
    "Score",
    "Train",
]

_INT64 = 2**63 - 1

Name = Annotated[str, Field(min_length=1, max_length=200)]
Stream = Annotated[
    str,
    Field(
        min_length=1, max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="Name of a stream of the bus"
    ),
]


class Body(BaseModel):
    """A request body: no unknown keys, no conversions."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _known(cls, content: Any) -> Any:  # noqa: ANN401 - whatever the JSON held
        if isinstance(content, dict):
            for key in content:
                if key not in cls.model_fields:
                    near = get_close_matches(str(key), cls.model_fields, n=1)
                    hint = f"; did you mean {near[0]!r}?" if near else ""
                    raise ValueError(f"unknown key {key!r}; there are {', '.join(cls.model_fields)}{hint}")
        return content


def _one_of(this: str, that: str, *more: str) -> JsonDict:
    """A schema's word for: exactly one of two keys holds a value, and the second needs ``more`` beside it."""
    null: JsonDict = {"type": "null"}
    one: JsonDict = {"required": [this], "properties": {this: {"not": null}, that: null}}
    values: JsonDict = {that: {"not": null}, this: null, **{name: {"not": null} for name in more}}
    return {"oneOf": [one, {"required": [that, *more], "properties": values}]}


class Event(Body):
    """One event, as the Avro record NeuromorphicEvent has it."""

    event_id: Annotated[str, Field(min_length=1, max_length=256, description="Unique within the stream")]
    timestamp: Annotated[int, Field(ge=0, le=_INT64, description="µs since 1970 UTC")]
    event_type: Annotated[str, Field(max_length=256)] = "event"
    features: Annotated[list[float], Field(max_length=4096, description="The model's features, in its order")]
    metadata: Annotated[
        dict[str, str], Field(description="entity is the routing key; every other entry is a category")
    ] = Field(default_factory=dict)


class _Events(Body):
    events: Annotated[list[Event], Field(description="In the order in which they are to be seen")]
    names: Annotated[
        list[Name] | None, Field(description="Names of the features; left out, those that the model was made with")
    ] = None

    def batch(self, expected: tuple[str, ...], categories: tuple[str, ...]) -> EventBatch:
        """The events as columns, with the model's categories and those they bring; ``expected`` names the features.

        Raises EventError, naming the event, for one with another number of features, and for what columns refuse.
        """
        names = expected if self.names is None else tuple(self.names)
        for event in self.events:
            if len(event.features) != len(names):
                raise EventError(
                    f"event {event.event_id!r} has {len(event.features)} features, not {len(names)}: "
                    f"{', '.join(names)}; give them in this order, or name others in 'names'"
                )
        return batch_of(self.events, names, categories)


def batch_of(events: list[Event], names: tuple[str, ...], categories: tuple[str, ...] = ()) -> EventBatch:
    """Events as columns: ``entity`` from the metadata ("all" where there is none), its other entries as categories."""
    import numpy as np

    keys = sorted({*categories, *(key for event in events for key in event.metadata)} - {"entity"})
    batch = EventBatch.from_columns(
        np.array([event.features for event in events], dtype=np.float64).reshape(len(events), len(names)),
        names,
        timestamps=np.array([event.timestamp for event in events], dtype=np.int64),
        event_ids=[event.event_id for event in events],
        event_types=[event.event_type for event in events],
        entities=[event.metadata.get("entity", "all") for event in events],
        categories={key: [event.metadata.get(key) for event in events] for key in keys},
    )
    batch.check()
    return batch


class CreateModel(Body):
    """A new, untrained model of a domain."""

    domain: Annotated[str, Field(description="security, performance, business or sensor", examples=["performance"])]
    name: Annotated[
        str | None,
        Field(
            max_length=64,
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
            description="A name to know it by; the id begins with it",
        ),
    ] = None
    features: Annotated[
        list[Name],
        Field(max_length=4096, description="Names of the numeric features of its events; empty: the domain's own"),
    ] = Field(default_factory=list)
    categories: Annotated[
        list[Name], Field(max_length=256, description="Names of the categories in its events' metadata")
    ] = Field(default_factory=list)
    neuromorphic: Annotated[
        Json | None,
        Field(
            description="The network, in the form of the YAML's neuromorphic section; left out, the domain's own",
            examples=[
                {"network": {"layers": [{"type": "input"}, {"type": "reservoir", "neurons": 512}, {"type": "readout"}]}}
            ],
        ),
    ] = None
    seed: Annotated[int, Field(ge=0, le=2**31 - 1, description="Equal seeds give equal models")] = 0

    def wanted(self) -> Untrained:
        """The model as the application is asked for it."""
        columns = {"features": tuple(self.features), "categories": tuple(self.categories)}
        return Untrained(self.domain, self.name, **columns, neuromorphic=self.neuromorphic, seed=self.seed)


class Train(_Events):
    """Events to learn from, posted or in a stream of the bus: exactly one of ``events`` and ``stream``."""

    model_config = ConfigDict(json_schema_extra=_one_of("events", "stream"))

    events: Annotated[list[Event] | None, Field(description="In the order in which they are to be seen")] = None  # type: ignore[assignment]
    stream: Stream | None = None
    labels: Annotated[
        dict[str, bool], Field(description="By event id: whether the event was an anomaly, where that is known")
    ] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.events is None) == (self.stream is None):
            raise ValueError("give either 'events' to learn from, or the 'stream' that holds them")
        return self


class Deploy(Body):
    """Where a model is to work."""

    stream: Stream
    shards: Annotated[int, Field(ge=1, le=1024, description="Shards to make the stream with, if there is none yet")] = 8
    start: Annotated[
        Literal["beginning", "end"], Field(description="Score what the stream already holds, or only what comes now")
    ] = "beginning"


class Score(_Events):
    """Events to score at once."""

    learn: Annotated[bool, Field(description="Whether the model learns from them, after scoring each")] = True
    stream: Annotated[
        Stream | None, Field(description="Tell the anomalies among them on this stream of the bus, too")
    ] = None


class AnomalyQuery(BaseModel):
    """Filters of GET /api/v1/anomalies; all that are given must hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    since: Annotated[int | None, Field(ge=0, le=_INT64, description="Detected at or after; µs since 1970 UTC")] = None
    until: Annotated[int | None, Field(ge=0, le=_INT64, description="Detected before; µs since 1970 UTC")] = None
    type: Annotated[str | None, Field(max_length=200, description="Anomaly type")] = None
    severity: Annotated[float | None, Field(ge=0, le=1, allow_inf_nan=False, description="At least this severe")] = None
    entity: Annotated[str | None, Field(max_length=1024)] = None
    model: Annotated[str | None, Field(max_length=200, description="Model id")] = None
    stream: Annotated[str | None, Field(max_length=200)] = None
    limit: Annotated[int, Field(ge=1, le=1000, description="Anomalies a page")] = 100
    cursor: Annotated[str | None, Field(max_length=512, description="next_cursor of the page before")] = None


class DeploymentQuery(BaseModel):
    """Filters of GET /api/v1/deployments; all that are given must hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Annotated[str | None, Field(max_length=200, description="Model id")] = None
    stopped: Annotated[bool, Field(description="Those that were stopped, instead of those at work")] = False
    limit: Annotated[int, Field(ge=1, le=1000, description="Deployments a page")] = 100
    cursor: Annotated[str | None, Field(max_length=1024, description="next_cursor of the page before")] = None


class PatternQuery(BaseModel):
    """Filters of GET /api/v1/patterns; all that are given must hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Annotated[str | None, Field(max_length=200, description="Model id")] = None
    limit: Annotated[int, Field(ge=1, le=1000, description="Patterns a page")] = 100
    cursor: Annotated[str | None, Field(max_length=512, description="next_cursor of the page before")] = None


class GiveFeedback(Body):
    """What an anomaly really was."""

    label: Annotated[
        Name, Field(description="normal, anomaly, or an anomaly type of the model", examples=["normal", "anomaly"])
    ]


class RegisterPattern(Body):
    """A pattern to recognise: the firing of the reservoir at an anomaly that is known, by id or written out."""

    model_config = ConfigDict(json_schema_extra=_one_of("anomaly_id", "spike_pattern", "model_id"))

    name: Name
    anomaly_type: Annotated[Name, Field(description="The type that anomalies like it are given")]
    anomaly_id: Annotated[
        str | None, Field(max_length=64, description="A detected anomaly whose spike pattern it is")
    ] = None
    spike_pattern: Annotated[
        list[Annotated[float, Field(ge=0, allow_inf_nan=False)]] | None, Field(min_length=1, max_length=4096)
    ] = None
    model_id: Annotated[
        str | None,
        Field(description="The model whose patterns it belongs to; left out with anomaly_id, that anomaly's model"),
    ] = None
    similarity: Annotated[float, Field(gt=0, le=1, description="Cosine from which an anomaly counts as like it")] = 0.95
    recommended_actions: Annotated[list[Name], Field(max_length=32)] = Field(default_factory=list)

    @model_validator(mode="after")
    def _one_pattern(self) -> Self:
        if (self.anomaly_id is None) == (self.spike_pattern is None):
            raise ValueError("give either the 'anomaly_id' of a detected anomaly, or a 'spike_pattern'")
        if self.spike_pattern is not None and self.model_id is None:
            raise ValueError("a written 'spike_pattern' belongs to a model; name it in 'model_id'")
        if self.spike_pattern is not None and not any(self.spike_pattern):
            raise ValueError("a 'spike_pattern' of zeros is like nothing; give the rates of an anomaly")
        return self
