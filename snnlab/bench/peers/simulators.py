"""The same network and input in the other simulators that are installed, each by its name in a figure's id."""

from collections.abc import Callable, Iterable
from contextlib import ExitStack

import numpy as np
from jaxtyping import Float64

from snnlab.bench.engine_network import begun
from snnlab.errors import ConfigError
from snnlab.reservoirs import Network
from snnlab.reservoirs.engines import installed
from snnlab.reservoirs.engines.peers.run import Run
from snnlab.types import Array

__all__ = ["PLASTIC", "SIMULATORS", "chosen", "prepared"]

SIMULATORS = {
    "brian2_cpp": "brian2",
    "brian2_cpp_textbook": "brian2",
    "brian2_cython": "brian2",
    "nest": "nest",
    "torch_index_add": "norse",
    "norse": "norse",
    "snntorch": "snntorch",
}
"""Figure names, and the engine that has to be installed."""
PLASTIC = ("brian2_cpp", "brian2_cpp_textbook", "brian2_cython", "nest")
"""Those that learn by STDP; the textbook is another way to write STDP in Brian 2, and nothing else."""

_STEPS = {
    "brian2_cpp": 2_000_000,
    "brian2_cpp_textbook": 2_000_000,
    "brian2_cython": 1_000_000,
    "nest": 1_000_000,
    "torch_index_add": 1_000_000,
}
"""Neuron updates in a round; 100,000 for the dense ones, and a quarter where synapses learn."""

Input = Callable[[int], tuple[Array, Array]]


def chosen(names: Iterable[str]) -> tuple[str, ...]:
    """Those that are meant: ``all`` that are installed, or each by its name. Raises ConfigError on another name.

    >>> chosen(["nest"])
    ('nest',)
    """
    names = tuple(names)
    for name in names:
        if name not in SIMULATORS and name != "all":
            raise ConfigError(f"unknown peer {name!r}; there is all, {', '.join(SIMULATORS)}")
    if "all" in names:
        here = installed()
        return tuple(name for name, engine in SIMULATORS.items() if engine in here)
    return names


def prepared(
    name: str, network: Network, given: Input, rounds: int, stack: ExitStack, *, learn: bool
) -> Callable[[int], Float64[np.ndarray, " 1"]]:
    """What measures a round of that simulator; ``given(ticks)`` is its input. Raises EngineMissing."""
    ticks = max(5, _STEPS.get(name, 100_000) // network.n_neurons // (4 if learn else 1))
    if name.startswith("brian2_cpp"):
        from snnlab.bench.peers.brian import Brian2Program
        from snnlab.reservoirs.engines.peers.brian2_model import NEAREST, TEXTBOOK

        rule = NEAREST if name == "brian2_cpp" else TEXTBOOK
        return Brian2Program(_run(network, given(ticks + 20), learn=learn), ticks, stack, rule).time
    if name == "brian2_cython":
        from snnlab.bench.peers.brian import Brian2Cython

        return Brian2Cython(_run(network, given((rounds + 2) * (ticks + 4)), learn=learn), ticks).time
    if name == "nest":
        from snnlab.bench.peers.nest import NestKernel

        return NestKernel(_run(network, given((rounds + 2) * ticks), learn=learn), ticks, stack).time
    from snnlab.bench.peers.torch_cells import DenseCells, SpikingRows

    run = _run(network, given(ticks), learn=learn)
    if name == "torch_index_add":
        return SpikingRows(run).time
    if name == "norse":
        from snnlab.reservoirs.engines.peers.norse import NorseCell

        return DenseCells(run, NorseCell, name).time
    from snnlab.reservoirs.engines.peers.snntorch import SnnTorchCell

    return DenseCells(run, SnnTorchCell, name).time


def _run(network: Network, given: tuple[Array, Array], *, learn: bool) -> Run:
    return Run.of(network, network.fresh_learned(), begun(network), 0, given, learn)
