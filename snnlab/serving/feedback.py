"""Labels that come late: an anomaly told to be normal or of a type, on its way to the detector that told it.

An anomaly of posted events is taught to the model at once. One of a stream belongs to the worker that holds its shard,
which may be in another process: its label is an event of the stream's feedback topic, in the shard of the same
number, and the worker applies it and keeps how far it read in the same checkpoint as what it learnt.
"""

import time
from typing import Literal

from snnlab.errors import ConfigError, FeedbackRefused, ModelNotFound
from snnlab.events import EventBatch
from snnlab.events.anomaly import Anomaly
from snnlab.serving.deployment import name_of
from snnlab.serving.labels import ANOMALY, NORMAL, Label, labels_of, topic_of
from snnlab.serving.models import Models
from snnlab.serving.posted import PostedStreams
from snnlab.stores import Store
from snnlab.streams import Bus

__all__ = ["Feedback", "Label", "labels_of", "topic_of"]


class Feedback:
    """Takes labels of anomalies to where they are learnt."""

    def __init__(self, bus: Bus, store: Store, models: Models, posted: PostedStreams) -> None:
        self._bus = bus
        self._store = store
        self._models = models
        self._posted = posted

    def give(self, anomaly: Anomaly, label: str) -> Literal["applied", "queued"]:
        """Teach the detector that told of ``anomaly``, at once or by way of the bus.

        Raises ConfigError for a label that is neither ``normal`` nor a type of the model's, ModelNotFound where the
        model is gone, FeedbackRefused where nothing works on the stream or the event is no longer remembered, and
        OwnedElsewhere where another replica owns the model that is to learn.
        """
        self._check(anomaly, label)
        if anomaly.stream and not self._posted.has(anomaly.model, anomaly.stream):
            self._send(anomaly, label)
            return "queued"
        if not self._models.teach(anomaly.model, anomaly.contributing_events[0], normal=label == NORMAL):
            recalled = self._models.get(anomaly.model).scorer.detector.plan.remembers
            raise FeedbackRefused(
                f"model {anomaly.model!r} no longer remembers event {anomaly.contributing_events[0]!r} of anomaly "
                f"{anomaly.anomaly_id!r}; it remembers its last {recalled:,}: label anomalies sooner, or train with "
                "'labels'"
            )
        return "applied"

    def _check(self, anomaly: Anomaly, label: str) -> None:
        types = set(self._models.card(anomaly.model).anomaly_types)
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
            told = self._store.get_model(name_of(anomaly.model, anomaly.stream)).metadata
        except ModelNotFound:
            told = {"stopped": True}
        if told.get("stopped"):
            raise FeedbackRefused(
                f"model {anomaly.model!r} does not work on stream {anomaly.stream!r} any more, so that nothing could "
                f"learn from the label; POST /api/v1/models/{anomaly.model}/deploy puts it to work again"
            )
