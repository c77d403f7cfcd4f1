"""What changes a network while it runs: plasticity of its synapses, a rule a file, and homeostasis."""

from snnlab.config import NeuromorphicConfig
from snnlab.reservoirs.plasticity.homeostasis import Homeostasis
from snnlab.reservoirs.plasticity.stdp import Stdp
from snnlab.reservoirs.plasticity.strategy import Static, Strategy, Synapses

__all__ = ["Homeostasis", "Static", "Stdp", "Strategy", "Synapses", "strategy"]


def strategy(config: NeuromorphicConfig, w_max: float) -> Strategy:
    """The rule that a configuration names, for weights in [0, ``w_max``].

    >>> type(strategy(NeuromorphicConfig(), 1.0)).__name__
    'Stdp'
    """
    algorithm = config.learning.algorithm
    if algorithm == "none":
        return Static()
    return Stdp.of(config, w_max)
