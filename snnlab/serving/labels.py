"""Labels as events of a stream's feedback topic."""

from dataclasses import dataclass

from snnlab.events import EventBatch

__all__ = ["ANOMALY", "NORMAL", "Label", "labels_of", "topic_of"]

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
