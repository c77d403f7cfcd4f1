"""The cost of a detector's run, counted while it runs: operations, footprint, processor time, and energy counters."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import process_time

from snnlab.detectors import Detector
from snnlab.evaluation.cost import Energy, Operations, energy
from snnlab.evaluation.rapl import Rapl
from snnlab.reservoirs.engines.tally import tallied

__all__ = ["SHOWN", "WATTS_A_CORE", "Cost", "Measuring", "footprint", "measured"]

WATTS_A_CORE = 4.0
"""A core's share of a server processor's rated power (AMD EPYC 9654: 360 W, 96 cores), for an estimate by its time."""

SHOWN = ("loihi", "spinnaker2", "45nm")
"""Chips that a cost is shown for."""


@dataclass(frozen=True)
class Cost:
    """What a run took. Operations, footprint and processor time are counted; energies but the last are estimates.

    >>> cost = Cost(Operations(events=100, spikes=500, synaptic=50_000, updates=25_000), 40_000, 0.002, None)
    >>> cost.figures()["cost.synaptic_operations_per_event"], round(cost.figures()["cost.joules_per_event.cpu"], 8)
    (500.0, 8e-05)
    """

    operations: Operations
    footprint: int
    """Bytes of what the detector has learnt, with its network."""
    cpu_seconds: float
    """Processor time of the whole process, all threads, with the loading of what was not there yet."""
    rapl_joules: float | None
    """What the processor's own counters say that all packages took, whatever else they did; None without counters."""

    @property
    def cpu_joules(self) -> float:
        """Estimated: processor time at :data:`WATTS_A_CORE`."""
        return self.cpu_seconds * WATTS_A_CORE

    def energies(self) -> tuple[Energy, ...]:
        """Estimates for the chips of :data:`SHOWN`."""
        return tuple(energy(self.operations, chip) for chip in SHOWN)

    def figures(self) -> dict[str, float]:
        """Numbers by dotted names; energies are estimates but for ``rapl``."""
        events = self.operations.events or 1
        found = {
            "cost.spikes_per_event": self.operations.spikes / events,
            "cost.synaptic_operations_per_event": self.operations.synaptic / events,
            "cost.neuron_updates_per_event": self.operations.updates / events,
            "cost.activation_sparsity": self.operations.activation_sparsity,
            "cost.footprint_bytes": float(self.footprint),
            "cost.joules_per_event.cpu": self.cpu_joules / events,
        }
        found |= {f"cost.joules_per_event.{one.chip}": one.joules_per_event for one in self.energies()}
        if self.rapl_joules is not None:
            found["cost.joules_per_event.rapl"] = self.rapl_joules / events
        return found

    def __str__(self) -> str:
        """One line: what was counted, and the estimates."""
        events, did = self.operations.events or 1, self.operations
        guesses = [f"{one.chip} {_joules(one.joules_per_event)}" for one in self.energies()]
        guesses.append(f"this processor, start included, {_joules(self.cpu_joules / events)}")
        told = (
            f"{did.synaptic / events:.0f} synaptic operations, {did.updates / events:.0f} neuron updates and "
            f"{did.spikes / events:.1f} spikes an event, {did.activation_sparsity:.1%} silent, "
            f"{self.footprint / 1e6:.3g} MB; estimated energy an event: {', '.join(guesses)}"
        )
        measured = "" if self.rapl_joules is None else f"; measured by RAPL: {_joules(self.rapl_joules / events)}"
        return told + measured

    def rows(self) -> list[list[str]]:
        """A table of the counts and of every estimate with how it was made."""
        events, did = self.operations.events or 1, self.operations
        rows = [["an event", "value"], ["spikes", f"{did.spikes / events:.1f}"]]
        rows.append(["synaptic operations", f"{did.synaptic / events:.0f}"])
        rows.append(["neuron updates", f"{did.updates / events:.0f}"])
        rows.append(["activation sparsity", f"{did.activation_sparsity:.4f}"])
        rows.append(["footprint of the whole", f"{self.footprint / 1e6:.3g} MB"])
        rows += [[f"estimated on {one.chip}", _joules(one.joules_per_event)] for one in self.energies()]
        rows.append([f"estimated here, start included, {WATTS_A_CORE:g} W a core", _joules(self.cpu_joules / events)])
        if self.rapl_joules is not None:
            rows.append(["measured by RAPL, whole processor", _joules(self.rapl_joules / events)])
        return rows


@dataclass
class Measuring:
    """Holds the cost once the block is left."""

    cost: Cost | None = None


@contextmanager
def measured(detector: Detector) -> Iterator[Measuring]:
    """Measure what a detector does in the block; ``cost`` stays None where it has no reservoir to count in.

    All engines of the process are counted, so let no other run meanwhile.
    """
    rapl, found, seen = Rapl.of(), Measuring(), detector.n_events
    before, began = rapl.read(), process_time()
    with tallied() as tally:
        yield found
    seconds, joules = process_time() - began, rapl.joules(before)
    if tally.updates:
        done = Operations(detector.n_events - seen, tally.spikes, tally.synaptic, tally.updates)
        found.cost = Cost(done, footprint(detector), seconds, joules)


def footprint(detector: Detector) -> int:
    """Bytes of what a detector has learnt, all shards, and of the network that they share; no entity's state.

    >>> from snnlab.detectors import Detector
    >>> detector = Detector.build("sensor", names=["pressure"], reservoir=False)
    >>> footprint(detector) == sum(array.nbytes for array in detector.shards[0].learnt.values())
    True
    """
    learnt = sum(array.nbytes for shard in detector.shards for array in shard.learnt.values())
    network = detector.plan.network
    if network is None:
        return learnt
    shared = network.targets.nbytes + network.input_targets.nbytes + network.input_weights.nbytes + network.bias.nbytes
    return learnt + shared + (0 if network.plastic else network.synapses.nbytes)


def _joules(value: float) -> str:
    """Joules with a prefix that reads well.

    >>> _joules(4.3e-6), _joules(2.5e-9)
    ('4.3 uJ', '2.5 nJ')
    """
    for size, name in ((1.0, "J"), (1e-3, "mJ"), (1e-6, "uJ")):
        if value >= size:
            return f"{value / size:.3g} {name}"
    return f"{value * 1e9:.3g} nJ"
