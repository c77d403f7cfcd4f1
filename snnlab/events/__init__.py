"""Events and anomalies: the forms in which they travel, and the codecs between those forms."""

from snnlab.events.batch import Categorical, EventBatch, event_schema

__all__ = ["Categorical", "EventBatch", "event_schema"]
