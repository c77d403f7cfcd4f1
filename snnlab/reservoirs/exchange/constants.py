"""A neuron's constants as a NIR graph has them, in seconds, for the way in which its reader will integrate.

NIR's equations are those of :mod:`snnlab.reservoirs.neurons` (``v_leak`` is the bias)::

    tau_syn di/dt = -i + w_in I        tau_mem dv/dt = v_leak - v + r i

A reader that steps them by Euler, as norse, snnTorch and digital chips do, decays by ``1 - h/tau`` in a tick h, where
the native engine decays by ``exp(-h/tau)``. So that its spikes are the same, ``euler`` constants are those whose Euler
step is the exact step: ``h / (1 - exp(-h/tau))`` for tau. ``exact`` constants are the time constants themselves.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from snnlab.errors import ConfigError
from snnlab.reservoirs.neurons import Lif

__all__ = ["Constants", "Integration", "constants"]

Integration = Literal["euler", "exact"]


@dataclass(frozen=True)
class Constants:
    """What a reader's step of one tick multiplies by; an input spike is a one in its tick."""

    tau_mem: float
    """s."""
    tau_syn: float
    """s."""
    r: float
    """What a unit of current is worth to the membrane."""
    w_in: float
    """Makes a spike of weight w add w to the current."""
    jump: float
    """What to multiply a weight by, for a spike that adds it to the membrane at once."""


def constants(lif: Lif, integration: Integration = "euler") -> Constants:
    """The constants for a reader that integrates so. Raises ConfigError for another way.

    >>> from snnlab.config import NeuromorphicConfig
    >>> lif = Lif.of(NeuromorphicConfig())
    >>> exact, euler = constants(lif, "exact"), constants(lif)
    >>> exact.tau_mem, round(euler.tau_mem, 6), round(1 - 1e-3 / euler.tau_mem - lif.propagators.membrane, 12)
    (0.02, 0.020504, 0.0)
    """
    if integration not in get_args(Integration):
        raise ConfigError(f"integration {integration!r} is neither {' nor '.join(get_args(Integration))}; name one")
    tick, step = lif.tick * 1e-3, lif.propagators
    if integration == "exact":
        mem, syn = lif.tau_membrane * 1e-3, lif.tau_synapse * 1e-3
        return Constants(mem, syn, 1.0, syn / tick, mem / tick)
    mem, syn = tick / step.bias, tick / (1.0 - step.current)
    return Constants(mem, syn, step.current_to_membrane / step.bias, syn / tick, step.membrane / step.bias)
