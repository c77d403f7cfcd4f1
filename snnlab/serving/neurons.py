"""What the network of one entity looks like between two events, read off a detector."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, UInt16

from snnlab.detectors import Detector
from snnlab.errors import NothingThere

__all__ = ["NeuronState", "neuron_state"]


@dataclass(frozen=True)
class NeuronState:
    """``n`` neurons as an entity's last event left them; see the engine for what each array means."""

    version: int
    events_seen: int
    membrane: Float32[np.ndarray, " n"]
    threshold: Float32[np.ndarray, " n"]
    current: Float32[np.ndarray, " n"]
    adaptation: Float32[np.ndarray, " n"]
    age: UInt16[np.ndarray, " n"]


def neuron_state(detector: Detector, entity: str, version: int) -> NeuronState:
    """The network's state of one entity. Raises NothingThere where the detector holds none.

    >>> from snnlab.events import EventBatch
    >>> detector = Detector.build("sensor", names=["p"], entities=True)
    >>> _ = detector.process(EventBatch.from_columns(np.ones((3, 1)), ["p"], entities=["pump"] * 3))
    >>> neuron_state(detector, "pump", 1).membrane.shape
    (256,)
    """
    for shard in detector.shards:
        own = shard.neurons_of(entity)
        if own:
            state = {name: own[name].copy() for name in _KEPT}
            threshold = shard.learnt["reservoir/threshold"].copy()
            return NeuronState(version=version, events_seen=detector.n_events, threshold=threshold, **state)
    raise NothingThere(
        f"no neurons of entity {entity!r}; a model keeps those of the entities it has seen, "
        "the longest silent are forgotten first: send an event of it first"
    )


_KEPT = ("membrane", "current", "adaptation", "age")
