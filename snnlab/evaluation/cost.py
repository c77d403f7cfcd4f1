"""What a run would cost: operations that the kernel counted, times published energies. An estimate, and labelled so.

``energy = synaptic operations x pJ + updates of neurons x pJ``, the second where there is a published figure. Left out
are memory beyond that of the published figure, input and output, learning, and static power, which on a chip at rest
can be most of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from snnlab.errors import ConfigError
from snnlab.types import Json

__all__ = ["ENERGIES", "FP32_MAC_PICOJOULES", "PICOJOULES", "Energy", "Operations", "Rates", "energy"]


@dataclass(frozen=True)
class Rates:
    """Published energies in pJ."""

    synaptic: float
    """Of one synaptic operation."""
    source: str
    neuron: float | None = None
    """Of one update of a neuron; None where none is published here."""


FP32_MAC_PICOJOULES = 4.6
"""A 32-bit floating multiply-add at 45 nm (M. Horowitz, ISSCC 2014), arithmetic only: what a dense network pays."""

_SENECA = "G. Tang et al., SENECA, Front. Neurosci. 17, 2023, table 3"
ENERGIES: Mapping[str, Rates] = {
    "loihi": Rates(
        23.6, f"{_SENECA}; updates of an active neuron: M. Davies et al., Loihi, IEEE Micro 38(1), 2018", neuron=81.0
    ),
    "spinnaker2": Rates(10.0, _SENECA),
    "seneca": Rates(2.8, _SENECA),
    "truenorth": Rates(2.5, _SENECA),
    "45nm": Rates(
        5.9,
        "M. Horowitz, Computing's energy problem, ISSCC 2014: a 32-bit floating addition (0.9) and the load of its "
        "weight from a cache of 8 kB (5); four multiply-adds (4.6 each) for a neuron",
        neuron=4 * FP32_MAC_PICOJOULES,
    ),
}
PICOJOULES: Mapping[str, float] = {chip: rates.synaptic for chip, rates in ENERGIES.items()}
"""Energy of one synaptic operation in pJ."""


@dataclass(frozen=True)
class Operations:
    """What the engine counted over ``events`` of the stream.

    Attributes:
        events: of the stream.
        spikes: fired.
        synaptic: spikes times the synapses that they crossed, input spikes included (NeuroBench: effective ACs).
        updates: neurons times the ticks in which they were brought on; 0 where an engine does not count them.

    >>> Operations(events=10, spikes=50, synaptic=5_000, updates=2_500).activation_sparsity
    0.98
    """

    events: int
    spikes: int
    synaptic: int
    updates: int = 0

    def __add__(self, other: "Operations") -> "Operations":
        """Counts of two runs together."""
        return Operations(
            self.events + other.events,
            self.spikes + other.spikes,
            self.synaptic + other.synaptic,
            self.updates + other.updates,
        )

    @property
    def activation_sparsity(self) -> float:
        """Share of neuron updates without a spike, as in NeuroBench (J. Yik et al., Nat. Commun. 16, 2025)."""
        return 1.0 - self.spikes / self.updates if self.updates else float("nan")


@dataclass(frozen=True)
class Energy:
    """Estimated energy: of the whole run in J, and of one event in J."""

    chip: str
    picojoules: float
    operations: Operations
    neuron_picojoules: float | None = None

    @property
    def joules(self) -> float:
        """Energy of the run in J."""
        updates = self.operations.updates * (self.neuron_picojoules or 0.0)
        return (self.operations.synaptic * self.picojoules + updates) * 1e-12

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
            "pj_per_neuron_update": self.neuron_picojoules,
            "synaptic_operations": self.operations.synaptic,
            "neuron_updates": self.operations.updates,
            "spikes": self.operations.spikes,
            "events": self.operations.events,
            "joules": self.joules,
            "joules_per_event": self.joules_per_event,
            "source": ENERGIES[self.chip].source,
        }

    def __str__(self) -> str:
        events = self.operations.events or 1
        parts = [f"{self.operations.synaptic / events:.0f} synaptic operations x {self.picojoules:g} pJ"]
        counted = self.neuron_picojoules is not None and self.operations.updates > 0
        if counted:
            parts.append(f"{self.operations.updates / events:.0f} updates of neurons x {self.neuron_picojoules:g} pJ")
        without = "without static power" if counted else "without neuron updates and static power"
        return (
            f"estimated energy: {self.joules_per_event * 1e9:.3g} nJ an event "
            f"({' + '.join(parts)} on {self.chip}; {without})"
        )


def energy(operations: Operations, chip: str = "loihi") -> Energy:
    """Estimated energy of ``operations`` on ``chip``, one of :data:`ENERGIES`.

    Raises:
        ConfigError: the chip has no published figure here.

    >>> str(energy(Operations(events=10, spikes=50, synaptic=5000)))[:60]
    'estimated energy: 11.8 nJ an event (500 synaptic operations '
    >>> energy(Operations(events=1, spikes=0, synaptic=424_000)).joules_per_event  # 0.01 mJ
    1.00064e-05
    """
    if chip not in ENERGIES:
        raise ConfigError(f"no published energy for chip {chip!r}; there is one for {', '.join(ENERGIES)}")
    rates = ENERGIES[chip]
    return Energy(chip, rates.synaptic, operations, rates.neuron)
