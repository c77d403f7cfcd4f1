"""snnlab: anomaly detection on event streams with spiking neural networks.

One road from a notebook to a served model: events, features, spikes, a reservoir, readouts, a calibrated
threshold. The names below load on first use, so that importing snnlab stays cheap.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from snnlab.detectors import Detector, Verdicts
    from snnlab.domains import Domain, domain
    from snnlab.events import EventBatch

__version__ = "0.1.0"

__all__ = ["Detector", "Domain", "EventBatch", "Verdicts", "__version__", "domain"]

_HOME = {
    "Detector": "snnlab.detectors",
    "Domain": "snnlab.domains",
    "EventBatch": "snnlab.events",
    "Verdicts": "snnlab.detectors",
    "domain": "snnlab.domains",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - each name has the type of its home
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    message = f"module 'snnlab' has no attribute {name!r}; it has {', '.join(sorted(__all__))}"
    raise AttributeError(message)
