"""What a run would cost on neuromorphic hardware: operations that were counted, times published energies.

An estimate, and labelled so: it counts synaptic operations only, without neuron updates, memory beyond the synapse,
input and output, or static power, which on a chip at rest can be most of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from snnlab.errors import ConfigError
from snnlab.types import Json

__all__ = ["PICOJOULES", "Energy", "Operations", "energy"]

PICOJOULES: Mapping[str, float] = {
    "loihi": 23.6,
    "spinnaker2": 10.0,
    "seneca": 2.8,
    "truenorth": 2.5,
}
"""Energy of one synaptic operation in pJ, as published: G. Tang et al., SENECA, Front. Neurosci. 17, 2023, table 3."""

FP32_MAC_PICOJOULES = 4.6
"""A 32-bit floating multiply-add at 45 nm (M. Horowitz, ISSCC 2014), arithmetic only: what a dense network pays."""


@dataclass(frozen=True)
class Operations:
    """What the engine counted: ``spikes`` fired, ``synaptic`` events they caused, over ``events`` of the stream."""

    events: int
    spikes: int
    synaptic: int

    def __add__(self, other: "Operations") -> "Operations":
        """Counts of two runs together."""
        return Operations(self.events + other.events, self.spikes + other.spikes, self.synaptic + other.synaptic)


@dataclass(frozen=True)
class Energy:
    """Estimated energy: of the whole run in J, and of one event in J."""

    chip: str
    picojoules: float
    operations: Operations

    @property
    def joules(self) -> float:
        """Energy of the run in J."""
        return self.operations.synaptic * self.picojoules * 1e-12

    @property
    def joules_per_event(self) -> float:
        """Energy of one event in J; NaN where no event was seen."""
        return self.joules / self.operations.events if self.operations.events else float("nan")

    def to_json(self) -> Json:
        """Plain numbers, with the label that this is an estimate."""
        return {
            "estimate": True,
            "chip": self.chip,
            "pj_per_synaptic_operation": self.picojoules,
            "synaptic_operations": self.operations.synaptic,
            "spikes": self.operations.spikes,
            "events": self.operations.events,
            "joules": self.joules,
            "joules_per_event": self.joules_per_event,
        }

    def __str__(self) -> str:
        each = self.operations.synaptic / self.operations.events if self.operations.events else 0.0
        return (
            f"estimated energy: {self.joules_per_event * 1e9:.3g} nJ an event "
            f"({each:.0f} synaptic operations x {self.picojoules:g} pJ on {self.chip}; "
            "without neuron updates and static power)"
        )


def energy(operations: Operations, chip: str = "loihi") -> Energy:
    """Estimated energy of ``operations`` on ``chip``, one of :data:`PICOJOULES`.

    Raises:
        ConfigError: the chip has no published figure here.

    >>> str(energy(Operations(events=10, spikes=50, synaptic=5000)))[:60]
    'estimated energy: 11.8 nJ an event (500 synaptic operations '
    >>> energy(Operations(events=1, spikes=0, synaptic=424_000)).joules_per_event  # 0.01 mJ
    1.00064e-05
    """
    if chip not in PICOJOULES:
        raise ConfigError(f"no published energy for chip {chip!r}; there is one for {', '.join(PICOJOULES)}")
    return Energy(chip, PICOJOULES[chip], operations)
