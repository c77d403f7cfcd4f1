"""What changes a network while it runs: plasticity of its synapses, a rule a file, and homeostasis."""

from snnlab.config import NeuromorphicConfig
from snnlab.reservoirs.plasticity.bcm import Bcm
from snnlab.reservoirs.plasticity.homeostasis import Homeostasis
from snnlab.reservoirs.plasticity.oja import Oja
from snnlab.reservoirs.plasticity.reward import RewardStdp
from snnlab.reservoirs.plasticity.stdp import Stdp
from snnlab.reservoirs.plasticity.strategy import Static, Strategy, Synapses
from snnlab.reservoirs.plasticity.triplet import Triplet

__all__ = ["Bcm", "Homeostasis", "Oja", "RewardStdp", "Static", "Stdp", "Strategy", "Synapses", "Triplet", "strategy"]

_RULES: dict[str, type[Stdp | Triplet | Oja | Bcm | RewardStdp]] = {
    "STDP": Stdp,
    "triplet": Triplet,
    "Oja": Oja,
    "BCM": Bcm,
    "R-STDP": RewardStdp,
}


def strategy(config: NeuromorphicConfig, w_max: float) -> Strategy:
    """The rule that a configuration names, for weights in [0, ``w_max``].

    >>> type(strategy(NeuromorphicConfig(), 1.0)).__name__
    'Stdp'
    """
    rule = _RULES.get(config.learning.algorithm)
    return Static() if rule is None else rule.of(config, w_max)
