"""Messages to events, and verdicts to messages."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from google.protobuf.message import DecodeError

from snnlab.errors import ConfigError, EventError
from snnlab.events import EventBatch
from snnlab.events.arrow import decode_events
from snnlab.serving.grpc.neuromorphic_pb2 import (
    AnomalyResponse,
    Event,
    EventRequest,
    Finding,
    ModelUpdateRequest,
    NeuronStateRequest,
    Rejected,
)
from snnlab.serving.model import Model
from snnlab.serving.rest.requests import batch_of
from snnlab.serving.scorer import Found

__all__ = ["answer", "events_of", "read", "scored"]

_LONGEST_ID = 256
_Message = TypeVar("_Message", EventRequest, ModelUpdateRequest, NeuronStateRequest)


def read(kind: type[_Message], content: bytes) -> _Message:
    """A message from its bytes. Raises EventError for bytes that are none of its kind.

    >>> read(EventRequest, EventRequest(model_id="web").SerializeToString()).model_id
    'web'
    """
    message = kind()
    try:
        message.ParseFromString(content)
    except DecodeError as error:
        raise EventError(
            f"{len(content)} bytes are no {kind.__name__} ({error}); write it with the messages of neuromorphic.proto"
        ) from error
    return message


def scored(request: EventRequest, model: Model, limit: int) -> EventBatch:
    """The events of a request. Raises EventError for those that cannot be scored, ConfigError where there are none."""
    match request.WhichOneof("content"):
        case "event":
            return events_of([request.event], model)
        case "events":
            return _within(events_of(request.events.events, model), limit)
        case "arrow":
            return _within(decode_events(request.arrow), limit)
        case _:
            raise ConfigError("the request holds no events; give 'event', 'events' or 'arrow'")


def events_of(events: Sequence[Event], model: Model) -> EventBatch:
    """Events as columns, with the model's features and categories. Raises EventError, naming the event."""
    for event in events:
        if not 0 < len(event.event_id) <= _LONGEST_ID:
            raise EventError(f"event id {event.event_id[:80]!r} has {len(event.event_id)} characters; give 1 to 256")
        if event.timestamp < 0:
            raise EventError(f"event {event.event_id!r} has timestamp {event.timestamp}; give µs since 1970 UTC")
        if len(event.features) != len(model.features):
            raise EventError(
                f"event {event.event_id!r} has {len(event.features)} features, not {len(model.features)}: "
                f"{', '.join(model.features)}; give them in this order"
            )
    return batch_of(list(events), model.features, model.categories)


def _within(batch: EventBatch, limit: int) -> EventBatch:
    if len(batch) > limit:
        raise EventError(f"{len(batch)} events in one message; {limit} are possible: send them in several")
    return batch


def answer(request: EventRequest, model: Model, found: Found) -> AnomalyResponse:
    """Verdicts as columns, and what is worth telling of the anomalies and the rejected events among them."""
    given = found.verdicts
    return AnomalyResponse(
        model_id=model.model_id,
        sequence=request.sequence,
        version=str(model.scorer.version),
        threshold=given.threshold,
        score=given.score.tolist(),
        severity=given.severity.tolist(),
        alarm=given.alarm.tolist(),
        anomaly=given.anomaly.tolist(),
        findings=_findings(found) if given.anomaly.any() else [],
        rejected=_rejected(found) if found.rejected else [],
    )


def _findings(found: Found) -> list[Finding]:
    given = found.verdicts
    told = {anomaly.contributing_events[0]: anomaly for anomaly in found.anomalies}
    findings = []
    for row in np.flatnonzero(given.anomaly | given.spoken).tolist():
        event_id = given.event_id[row]
        finding = Finding(row=row, event_id=event_id, type=given.type[row])
        if (anomaly := told.get(event_id)) is not None:
            finding.type, finding.anomaly_id = anomaly.anomaly_type, anomaly.anomaly_id
            finding.explanation = anomaly.explanation
        findings.append(finding)
    return findings


def _rejected(found: Found) -> list[Rejected]:
    rows = {event_id: row for row, event_id in enumerate(found.verdicts.event_id)}
    return [Rejected(row=rows[one.event_id], event_id=one.event_id, reason=one.reason) for one in found.rejected]
