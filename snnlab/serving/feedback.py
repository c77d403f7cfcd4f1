"""Labels that come late: an anomaly told to be normal or of a type, on its way to the detector that told it.

An anomaly of posted events is taught to the model at once. One of a stream belongs to the worker that holds its shard,
which may be in another process: its label is an event of the stream's feedback topic, in the shard of the same
number, and the worker applies it and keeps how far it read in the same checkpoint as what it learnt.
"""

import time
from dataclasses import dataclass
from typing import Literal

from snnlab.errors import ConfigError, FeedbackRefused, ModelNotFound
from snnlab.events import EventBatch
from snnlab.events.anomaly import Anomaly
from snnlab.serving.models import Models
from snnlab.stores import Store
from snnlab.streams import Bus

__all__ = ["Feedback", "Label", "labels_of", "topic_of"]

NORMAL, ANOMALY = "normal", "anomaly"


@dataclass(frozen=True)
class Label:
    """A label of one event: ``normal``, or else an anomaly."""

    event_id: str
    model_id: str
    normal: bool


def topic_of(stream: str) -> str:
    """The stream that holds the labels of a stream.

    >>> topic_of("hosts")
    'hosts.feedback'
    """
    return f"{stream}.feedback"


def labels_of(batch: EventBatch) -> list[Label]:
    """The labels that a batch of a feedback topic holds; those of other models are among them."""
    words = (batch.category(name).words() for name in ("labelled", "model"))
    return [
        Label(str(event), str(model), normal)
        for event, model, normal in zip(*words, (batch.values[:, 0] > 0).tolist(), strict=True)
    ]


class Feedback:
    """Takes labels of anomalies to where they are learnt."""

    def __init__(self, bus: Bus, store: Store, models: Models) -> None:
        self._bus = bus
        self._store = store
        self._models = models

    def give(self, anomaly: Anomaly, label: str) -> Literal["applied", "queued"]:
        """Teach the detector that told of ``anomaly``, at once or by way of the bus.

        Raises ConfigError for a label that is neither ``normal`` nor a type of the model's, ModelNotFound where the
        model is gone, and FeedbackRefused where nothing works on the stream or the event is no longer remembered.
        """
        self._check(anomaly, label)
        if anomaly.stream:
            self._send(anomaly, label)
            return "queued"
        if not self._models.teach(anomaly.model, anomaly.contributing_events[0], normal=label == NORMAL):
            recalled = self._models.get(anomaly.model).scorer.detector.domain.recall
            raise FeedbackRefused(
                f"model {anomaly.model!r} no longer remembers event {anomaly.contributing_events[0]!r} of anomaly "
                f"{anomaly.anomaly_id!r}; it remembers its last {recalled:,}: label anomalies sooner, or train with "
                "'labels'"
            )
        return "applied"

    def _check(self, anomaly: Anomaly, label: str) -> None:
        types = {kind.name for kind in self._models.get(anomaly.model).scorer.detector.domain.types}
        types |= {pattern.anomaly_type for pattern in self._store.patterns(model=anomaly.model)}
        if label not in {NORMAL, ANOMALY, *types}:
            raise ConfigError(
                f"label {label!r} is none of model {anomaly.model!r}; say {NORMAL!r}, {ANOMALY!r}, "
                f"or a type: {', '.join(sorted(types))}"
            )
        if not anomaly.contributing_events:
            raise FeedbackRefused(
                f"anomaly {anomaly.anomaly_id!r} names no event that could be labelled; label one that does"
            )

    def _send(self, anomaly: Anomaly, label: str) -> None:
        self._deployed(anomaly)
        topic = topic_of(anomaly.stream)
        self._bus.create(topic, self._bus.stream(anomaly.stream).shards)
        kinds = {"labelled": anomaly.contributing_events[0], "model": anomaly.model, "label": label}
        at = time.time_ns() // 1000
        told = EventBatch.from_columns(
            [[float(label == NORMAL)]],  # type: ignore[arg-type]  # a matrix of one
            ["normal"],
            timestamps=[at],
            event_ids=[f"{anomaly.anomaly_id}:{at}"],
            event_types=["feedback"],
            entities=[anomaly.entity],
            categories={name: [word] for name, word in kinds.items()},
        )
        self._bus.publish(topic, told, bad_rows="refuse")

    def _deployed(self, anomaly: Anomaly) -> None:
        try:
            self._store.get_model(f"{anomaly.model}@{anomaly.stream}")
        except ModelNotFound as error:
            raise FeedbackRefused(
                f"model {anomaly.model!r} does not work on stream {anomaly.stream!r} any more, so that nothing could "
                f"learn from the label; POST /api/v1/models/{anomaly.model}/deploy puts it to work again"
            ) from error
