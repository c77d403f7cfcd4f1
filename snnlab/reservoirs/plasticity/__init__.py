"""What changes a network while it runs: spike-timing-dependent plasticity and homeostasis."""

from snnlab.reservoirs.plasticity.homeostasis import Homeostasis
from snnlab.reservoirs.plasticity.stdp import Stdp

__all__ = ["Homeostasis", "Stdp"]
