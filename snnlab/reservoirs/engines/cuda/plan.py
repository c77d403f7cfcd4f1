"""A network as the CUDA kernel reads it: weights as whole numbers of a power of two, so that sums are exact.

Threads add what spikes bring in no certain order, and sums of floats depend on it. So a weight is held as the nearest
whole number of *levels*; the level is the least that the greatest possible sum of a tick allows in 32 bits (float32) or
64 (float64, and all input). An int8 network's own levels stay as they are.
"""

from math import frexp, ldexp

import numpy as np
from jaxtyping import Float, Int64, Real

from snnlab.reservoirs.engines.native.plan import plan_of
from snnlab.reservoirs.network import Network
from snnlab.reservoirs.plasticity import Stdp
from snnlab.types import Array

__all__ = ["input_levels", "level_of", "level_of_weights", "level_type", "numbers", "rule_of"]

_BITS = {4: 31, 8: 63}
"""Of a sum, without its sign, by bytes of a float of the network."""


def level_of(greatest: float, bits: int) -> float:
    """The least power of two of which a sum up to ``greatest`` is fewer than that many bits hold.

    >>> level_of(1.25, bits=4), level_of(0.0, bits=4)
    (0.25, 0.125)
    """
    exponent = bits - frexp(greatest)[1] - 1  # a bit is left for what rounding adds
    return ldexp(1.0, -exponent)


def level_type(network: Network) -> np.dtype[np.signedinteger]:
    """Of its recurrent weights' levels."""
    return np.dtype(np.int8) if network.quantised else np.dtype(f"i{network.real.itemsize}")


def level_of_weights(network: Network, weights: Float[np.ndarray, "i k"]) -> float:
    """The level of recurrent weights as they stand or may grow to: a neuron fires once a tick, at most.

    >>> from snnlab.config import NeuromorphicConfig
    >>> network = Network.build(NeuromorphicConfig().replace({"reservoir.neurons": 64}), n_inputs=10)
    >>> level_of_weights(network, network.weights) < 1e-7 * network.w_max
    True
    """
    fan_in = int(np.bincount(network.targets.ravel(), minlength=network.n_neurons).max())
    heaviest = max(float(weights.max(initial=0.0)), -float(weights.min(initial=0.0)), network.w_max)
    return level_of(heaviest * fan_in, _BITS[network.real.itemsize])


def input_levels(network: Network, most: int) -> tuple[Int64[np.ndarray, "a k"], float]:
    """The input weights in levels, for at most so many input spikes in a tick, and the level."""
    heaviest = float(np.abs(network.input_weights).max(initial=0.0))
    level = level_of(heaviest * most * network.input_targets.shape[1], _BITS[8])
    return np.rint(network.input_weights.astype(np.float64) / level).astype(np.int64), level


def numbers(network: Network, recurrent: float, given: float) -> tuple[Real[np.ndarray, " r"], Array, Array]:
    """Reals, whole numbers and what traces keep, as :attr:`..native.plan.Plan.params` has them, for these two levels.

    The last real is one.
    """
    real, whole, _, keeps, _ = plan_of(network).params
    real = np.append(real, network.real.type(1.0))
    real[11:13] *= network.real.type(given)  # input on the membrane, or into the current
    real[15] = recurrent
    return real, whole, keeps


def rule_of(network: Network) -> tuple[Array, ...]:
    """What never changes of the STDP of a network.

    Changes by the age of the source, of the target; which neurons' synapses learn; where those of each target begin,
    their sources and slots.
    """
    stdp, incoming = Stdp.of(network.config, network.w_max), network.incoming
    changes = stdp.potentiation.astype(network.real), stdp.depression.astype(network.real)
    return (*changes, network.excitatory, incoming.ptr.astype(np.int64), incoming.source, incoming.slot)
