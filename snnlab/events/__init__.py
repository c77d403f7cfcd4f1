"""Events and anomalies: the forms in which they travel, and the codecs between those forms (``avro``, ``arrow``)."""

from snnlab.events.anomaly import Anomaly, anomaly_id
from snnlab.events.batch import EventBatch
from snnlab.events.columns import Categorical, event_schema

__all__ = ["Anomaly", "Categorical", "EventBatch", "anomaly_id", "event_schema"]
