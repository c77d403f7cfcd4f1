"""Every error that snnlab raises on purpose.

::

    SnnlabError
    ├── ConfigError          a setting, a YAML key or an argument that cannot be used
    │   └── EngineMissing    an engine whose optional package is not installed
    ├── DataError            input that cannot be scored
    │   ├── EventError       events with a wrong shape, a NaN, a duplicate id, an unknown type
    │   ├── FileFormatError  a file that cannot be read as events
    │   └── DatasetMissing   a public data set that is not on this machine
    ├── ModelError           a model that cannot be loaded
    │   ├── ModelFormatError      truncated or damaged bytes
    │   ├── ModelVersionError     written by a newer snnlab
    │   ├── ModelNotFound         no model of that name or path
    │   └── UntrustedCode         a model that carries user code, loaded without consent
    ├── NothingThere         an anomaly, an entity or a checkpoint that is asked for and is not there
    ├── BusError             the event bus
    │   └── BusCorrupt       a bus file whose content is damaged
    ├── StoreError           the cache of state and anomalies
    ├── OwnedElsewhere       what another replica owns, or is about to
    ├── JobLost              a job whose replica ended before it was done
    ├── TopicForbidden       a stream that this service may not work on
    ├── FeedbackRefused      a label that no detector can learn from any more
    └── PromotionRefused     a challenger that did not pass the gate

A message names the bad value, what would be valid and the next step.
"""

__all__ = [
    "BusCorrupt",
    "BusError",
    "ConfigError",
    "DataError",
    "DatasetMissing",
    "EngineMissing",
    "EventError",
    "FeedbackRefused",
    "FileFormatError",
    "JobLost",
    "ModelError",
    "ModelFormatError",
    "ModelNotFound",
    "ModelVersionError",
    "NothingThere",
    "OwnedElsewhere",
    "PromotionRefused",
    "SnnlabError",
    "StoreError",
    "TopicForbidden",
    "UntrustedCode",
]


class SnnlabError(Exception):
    """Base of every error that snnlab raises on purpose."""


class ConfigError(SnnlabError, ValueError):
    """A setting, a YAML key or an argument that cannot be used."""


class EngineMissing(ConfigError):
    """An engine whose optional package is not installed."""


class DataError(SnnlabError, ValueError):
    """Input that cannot be scored."""


class EventError(DataError):
    """Events with a wrong shape, a NaN, a duplicate id or an unknown type."""


class FileFormatError(DataError):
    """A file that cannot be read as events."""


class DatasetMissing(DataError):
    """A public data set that is not on this machine."""


class ModelError(SnnlabError):
    """A model that cannot be loaded."""


class ModelFormatError(ModelError, ValueError):
    """Truncated or damaged model bytes."""


class ModelVersionError(ModelError, ValueError):
    """A model written by a newer snnlab."""


class ModelNotFound(ModelError, LookupError):
    """No model of that name or path."""


class UntrustedCode(ModelError, PermissionError):
    """A model that carries user code, loaded without consent to run it."""


class BusError(SnnlabError):
    """The event bus could not do what was asked."""


class BusCorrupt(BusError):
    """A bus file whose content is damaged."""


class StoreError(SnnlabError):
    """The store of state and anomalies could not do what was asked."""


class TopicForbidden(SnnlabError, PermissionError):
    """A stream that this service may not work on."""


class NothingThere(SnnlabError, LookupError):
    """An anomaly, an entity or a checkpoint that is asked for and is not there."""


class OwnedElsewhere(SnnlabError):
    """Another replica owns the model ``model``; ``owner`` is what its lease says, empty where that is not known."""

    def __init__(self, message: str, model: str, owner: str = "") -> None:
        super().__init__(message)
        self.model = model
        self.owner = owner


class JobLost(SnnlabError):
    """A job whose replica ended before it was done."""


class FeedbackRefused(SnnlabError):
    """A label that no detector can learn from any more: none works on the stream, or the event is forgotten."""


class PromotionRefused(SnnlabError):
    """A challenger that did not pass the promotion gate."""
