"""How many cores of a neuromorphic chip a network would take, by the limits that are published; a lower bound.

Neuron state, routing tables and spikes in flight take memory too, and no chip's compiler was run: a chip whose limits
are kept here may still refuse the network, one whose limits are broken will.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np

from snnlab.reservoirs.network import Network
from snnlab.types import Array, Arrays

__all__ = ["CHIPS", "Chip", "Placement", "place"]


@dataclass(frozen=True)
class Chip:
    """Published limits; None where there is none."""

    name: str
    cores: int
    """Of one chip."""
    neurons: int
    """Of one core."""
    synapses: int
    """Of one core, as ``assumed``."""
    weight_bits: int
    source: str
    assumed: str
    inputs: int | None = None
    """Input channels of a chip; a chip that has a limit is one core, and a network is not spread over several."""
    input_reach: int | None = None
    """Neurons that the inputs may reach."""
    fan_out: int | None = None
    """Recurrent targets of a neuron."""


CHIPS: Mapping[str, Chip] = {
    "loihi2": Chip(
        "Loihi 2", 128, 8192, 192 * 1024, 8,
        source="Intel, Taking neuromorphic computing to the next level with Loihi 2, technology brief, 2021: 128 cores "
        "of 192 kB, a million neurons and at most 120 million synapses a chip",
        assumed="a byte a weight and no index, which only dense rows come near",
    ),
    "spinnaker2": Chip(
        "SpiNNaker2", 152, 256, 128 * 1024 // 4, 16,
        source="H. A. Gonzalez et al., SpiNNaker2, arXiv 2401.04491, 2024: 152 cores of 128 kB a chip; O. Rhodes et "
        "al., sPyNNaker, Front. Neurosci. 12, 816, 2018: words of 32 bits with 16 of weight and 8 of neuron",
        assumed="synaptic words as on SpiNNaker 1, all in the cores' own memory and none in the chip's DRAM",
    ),
    "xylo": Chip(
        "Xylo Audio 3", 1, 992, 992 * 64, 8,
        source="SynSense, Rockpool documentation, rockpool.ai/devices/xylo-overview.html: 16 inputs to 128 neurons, "
        "992 neurons, 64 targets each on average and 1,024 at most, weights of 8 bits",
        assumed="one chip",
        inputs=16, input_reach=128, fan_out=1024,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Placement:
    """What a chip would need for a network."""

    chip: Chip
    cores: int
    """At least, by neurons and synapses."""
    chips: int
    broken: tuple[str, ...]
    """Limits that the network breaks, each in a phrase."""
    weight_error: float
    """Root mean square error of its weights in the chip's bits, as a share of theirs."""

    @property
    def fits(self) -> bool:
        """Whether one chip may hold it."""
        return not self.broken

    def __str__(self) -> str:
        bits = f"weights in {self.chip.weight_bits} bits are off by {self.weight_error:.2%}"
        if not self.fits:
            return f"{self.chip.name}: does not fit: {'; '.join(self.broken)} ({bits})"
        return f"{self.chip.name}: at least {self.cores} of {self.chip.cores} cores ({bits})"


def place(network: Network, chip: Chip, learned: Arrays | None = None) -> Placement:
    """A network, with the weights that a shard has learnt, against a chip's limits.

    >>> from snnlab.config import NeuromorphicConfig
    >>> network = Network.build(NeuromorphicConfig().replace({"reservoir.neurons": 10_000, "reservoir.fan_in": 10}), 10)
    >>> str(place(network, CHIPS["xylo"]))[:61]
    'Xylo Audio 3: does not fit: 10000 neurons, at most 992 a chip'
    >>> place(network, CHIPS["loihi2"]).cores
    2
    """
    weights = learned["weights"] if learned is not None and network.plastic else network.weights
    synapses = int(np.count_nonzero(weights)) + network.input_targets.size
    cores = max(ceil(network.n_neurons / chip.neurons), ceil(synapses / chip.synapses), 1)
    return Placement(
        chip, cores, ceil(cores / chip.cores), tuple(_broken(network, chip, synapses, cores)), _error(weights, chip)
    )


def _broken(network: Network, chip: Chip, synapses: int, cores: int) -> list[str]:
    n = network.n_neurons
    if chip.cores > 1:
        why = f"{cores} cores for {n} neurons and {synapses} synapses, a chip has {chip.cores}"
        return [f"{why}: {ceil(cores / chip.cores)} chips"] if cores > chip.cores else []
    reached = int(np.unique(network.input_targets).size)
    limits = (
        (n, chip.neurons, "neurons"),
        (synapses, chip.synapses, "synapses"),
        (network.n_inputs, chip.inputs, "inputs"),
        (reached, chip.input_reach, "neurons that inputs reach"),
        (network.targets.shape[1], chip.fan_out, "targets of a neuron"),
    )
    return [f"{value} {what}, at most {most} a chip" for value, most, what in limits if most and value > most]


def _error(weights: Array, chip: Chip) -> float:
    greatest = float(np.abs(weights).max(initial=0.0))
    if not greatest:
        return 0.0
    level = greatest / (2 ** (chip.weight_bits - 1) - 1)
    total = lost = 0.0
    for row in weights:
        total += float(np.square(row, dtype=np.float64).sum())
        lost += float(np.square(np.rint(row / level) * level - row, dtype=np.float64).sum())
    return sqrt(lost / total)
