from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Event(_message.Message):
    __slots__ = ("event_id", "timestamp", "event_type", "features", "metadata")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    timestamp: int
    event_type: str
    features: _containers.RepeatedScalarFieldContainer[float]
    metadata: _containers.ScalarMap[str, str]
    def __init__(self, event_id: _Optional[str] = ..., timestamp: _Optional[int] = ..., event_type: _Optional[str] = ..., features: _Optional[_Iterable[float]] = ..., metadata: _Optional[_Mapping[str, str]] = ...) -> None: ...

class Events(_message.Message):
    __slots__ = ("events",)
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[Event]
    def __init__(self, events: _Optional[_Iterable[_Union[Event, _Mapping]]] = ...) -> None: ...

class EventRequest(_message.Message):
    __slots__ = ("model_id", "sequence", "score_only", "event", "events", "arrow", "stream_id")
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    SCORE_ONLY_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    ARROW_FIELD_NUMBER: _ClassVar[int]
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    sequence: int
    score_only: bool
    event: Event
    events: Events
    arrow: bytes
    stream_id: str
    def __init__(self, model_id: _Optional[str] = ..., sequence: _Optional[int] = ..., score_only: _Optional[bool] = ..., event: _Optional[_Union[Event, _Mapping]] = ..., events: _Optional[_Union[Events, _Mapping]] = ..., arrow: _Optional[bytes] = ..., stream_id: _Optional[str] = ...) -> None: ...

class AnomalyResponse(_message.Message):
    __slots__ = ("model_id", "sequence", "version", "threshold", "score", "severity", "alarm", "anomaly", "findings", "rejected")
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    ALARM_FIELD_NUMBER: _ClassVar[int]
    ANOMALY_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    sequence: int
    version: str
    threshold: float
    score: _containers.RepeatedScalarFieldContainer[float]
    severity: _containers.RepeatedScalarFieldContainer[float]
    alarm: _containers.RepeatedScalarFieldContainer[float]
    anomaly: _containers.RepeatedScalarFieldContainer[bool]
    findings: _containers.RepeatedCompositeFieldContainer[Finding]
    rejected: _containers.RepeatedCompositeFieldContainer[Rejected]
    def __init__(self, model_id: _Optional[str] = ..., sequence: _Optional[int] = ..., version: _Optional[str] = ..., threshold: _Optional[float] = ..., score: _Optional[_Iterable[float]] = ..., severity: _Optional[_Iterable[float]] = ..., alarm: _Optional[_Iterable[float]] = ..., anomaly: _Optional[_Iterable[bool]] = ..., findings: _Optional[_Iterable[_Union[Finding, _Mapping]]] = ..., rejected: _Optional[_Iterable[_Union[Rejected, _Mapping]]] = ...) -> None: ...

class Finding(_message.Message):
    __slots__ = ("row", "event_id", "type", "anomaly_id", "explanation")
    ROW_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ANOMALY_ID_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    row: int
    event_id: str
    type: str
    anomaly_id: str
    explanation: str
    def __init__(self, row: _Optional[int] = ..., event_id: _Optional[str] = ..., type: _Optional[str] = ..., anomaly_id: _Optional[str] = ..., explanation: _Optional[str] = ...) -> None: ...

class Rejected(_message.Message):
    __slots__ = ("row", "event_id", "reason")
    ROW_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    row: int
    event_id: str
    reason: str
    def __init__(self, row: _Optional[int] = ..., event_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class NeuronStateRequest(_message.Message):
    __slots__ = ("model_id", "entity", "stream")
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    ENTITY_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    entity: str
    stream: str
    def __init__(self, model_id: _Optional[str] = ..., entity: _Optional[str] = ..., stream: _Optional[str] = ...) -> None: ...

class NeuronStateResponse(_message.Message):
    __slots__ = ("model_id", "version", "entity", "neurons", "events_seen", "membrane", "threshold", "current", "adaptation", "ticks_since_spike")
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ENTITY_FIELD_NUMBER: _ClassVar[int]
    NEURONS_FIELD_NUMBER: _ClassVar[int]
    EVENTS_SEEN_FIELD_NUMBER: _ClassVar[int]
    MEMBRANE_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    ADAPTATION_FIELD_NUMBER: _ClassVar[int]
    TICKS_SINCE_SPIKE_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    version: str
    entity: str
    neurons: int
    events_seen: int
    membrane: _containers.RepeatedScalarFieldContainer[float]
    threshold: _containers.RepeatedScalarFieldContainer[float]
    current: _containers.RepeatedScalarFieldContainer[float]
    adaptation: _containers.RepeatedScalarFieldContainer[float]
    ticks_since_spike: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, model_id: _Optional[str] = ..., version: _Optional[str] = ..., entity: _Optional[str] = ..., neurons: _Optional[int] = ..., events_seen: _Optional[int] = ..., membrane: _Optional[_Iterable[float]] = ..., threshold: _Optional[_Iterable[float]] = ..., current: _Optional[_Iterable[float]] = ..., adaptation: _Optional[_Iterable[float]] = ..., ticks_since_spike: _Optional[_Iterable[int]] = ...) -> None: ...

class ModelUpdateRequest(_message.Message):
    __slots__ = ("model_id", "events", "arrow", "stream", "feedback", "labels")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: bool
        def __init__(self, key: _Optional[str] = ..., value: _Optional[bool] = ...) -> None: ...
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    ARROW_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    FEEDBACK_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    events: Events
    arrow: bytes
    stream: str
    feedback: Feedback
    labels: _containers.ScalarMap[str, bool]
    def __init__(self, model_id: _Optional[str] = ..., events: _Optional[_Union[Events, _Mapping]] = ..., arrow: _Optional[bytes] = ..., stream: _Optional[str] = ..., feedback: _Optional[_Union[Feedback, _Mapping]] = ..., labels: _Optional[_Mapping[str, bool]] = ...) -> None: ...

class Feedback(_message.Message):
    __slots__ = ("anomaly_id", "label")
    ANOMALY_ID_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    anomaly_id: str
    label: str
    def __init__(self, anomaly_id: _Optional[str] = ..., label: _Optional[str] = ...) -> None: ...

class ModelUpdateResponse(_message.Message):
    __slots__ = ("model_id", "version", "status", "job_id")
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    version: str
    status: str
    job_id: str
    def __init__(self, model_id: _Optional[str] = ..., version: _Optional[str] = ..., status: _Optional[str] = ..., job_id: _Optional[str] = ...) -> None: ...
