"""A network as the CUDA kernel reads it: weights as whole numbers of a power of two, so that sums are exact.

Threads add what spikes bring in no certain order, and sums of floats depend on it. So a weight is held as the nearest
whole number of *levels*; the level is the least that the greatest possible sum of a tick allows in 32 bits (float32) or
64 (float64, and all input). An int8 network's own levels stay as they are.
"""

from dataclasses import dataclass
from math import frexp, ldexp

import numpy as np
from jaxtyping import Int64, Integer, Real

from snnlab.reservoirs.engines.fitting import weights_of
from snnlab.reservoirs.engines.native_plan import plan_of
from snnlab.reservoirs.network import Network
from snnlab.reservoirs.plasticity import Stdp
from snnlab.types import Array, Arrays

__all__ = ["Rows", "input_rows", "levels_of", "numbers", "recurrent_rows", "rule_of"]

_BITS = {4: 31, 8: 63}
"""Of a sum, without its sign, by bytes of a float of the network."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Synapses by source, their weights in levels of ``scale``."""

    targets: Integer[np.ndarray, "i k"]
    levels: Integer[np.ndarray, "i k"]
    scale: float


def levels_of(weights: Real[np.ndarray, "i k"], greatest: float, bits: int) -> tuple[Int64[np.ndarray, "i k"], float]:
    """Weights in levels, and a level: a power of two for which sums up to ``greatest`` fit so many bits.

    >>> levels_of(np.array([[0.75, -0.5]]), greatest=1.25, bits=4)
    (array([[ 6, -4]]), 0.125)
    """
    exponent = bits - max(frexp(greatest)[1], -900) - 1  # one bit is left for what rounding adds
    return np.rint(np.ldexp(weights.astype(np.float64), exponent)).astype(np.int64), ldexp(1.0, -exponent)


def recurrent_rows(network: Network, learned: Arrays, *, learn: bool = False) -> Rows:
    """The recurrent synapses as they stand, or may grow to. A neuron fires once a tick: a sum is at most that of all.

    Raises ConfigError where the learned weights do not fit.
    """
    weights = weights_of(network, learned).reshape(network.targets.shape)
    if network.quantised:
        return Rows(network.targets, weights, network.scale)
    bound = np.abs(weights)
    if learn:
        bound = np.where(network.excitatory[:, None] > 0, np.maximum(bound, network.w_max), bound)
    greatest = np.bincount(network.targets.ravel(), bound.ravel(), network.n_neurons).max(initial=0.0)
    size = network.real.itemsize
    levels, scale = levels_of(weights, float(greatest), _BITS[size])
    return Rows(network.targets, levels.astype(np.dtype(f"i{size}")), scale)


def input_rows(network: Network, most: int) -> Rows:
    """The input synapses, for at most so many input spikes in a tick."""
    greatest = float(np.abs(network.input_weights).max(initial=0.0)) * most * network.input_targets.shape[1]
    levels, scale = levels_of(network.input_weights, greatest, _BITS[8])
    return Rows(network.input_targets, levels, scale)


def numbers(network: Network, recurrent: float, given: float) -> tuple[Array, Array, Array]:
    """Reals, whole numbers and what traces keep, as :attr:`.native_plan.Plan.params` has them, for these two scales.

    The last real is one.
    """
    real, whole, _, keeps, _ = plan_of(network).params
    real = np.append(real, network.real.type(1.0))
    real[11:13] *= network.real.type(given)  # input on the membrane, or into the current
    real[15] = recurrent
    return real, whole, keeps


def rule_of(network: Network, learned: Arrays, recurrent: float) -> tuple[Array, ...]:
    """What a network learns by, for levels of this scale: the arrays that the kernel's ``rules`` has a line of.

    Weights; changes by the age of the source, of the target; greatest weight, levels in one, a half and zero; which
    neurons' synapses learn; where those of each target begin, their sources and slots; homeostasis.
    """
    kind, homeo = network.real, plan_of(network).params[4]
    if not network.plastic:
        nothing = np.zeros(1, kind)
        return (np.zeros((1, 1), kind), nothing, nothing, nothing, *(np.zeros(1, np.int64) for _ in range(4)), homeo)
    stdp, incoming = Stdp.of(network.config, network.w_max), network.incoming
    own = np.array([network.w_max, 1.0 / recurrent, 0.5, 0.0], kind)
    changes = stdp.potentiation.astype(kind), stdp.depression.astype(kind)
    by_target = incoming.ptr.astype(np.int64), incoming.source, incoming.slot
    return (learned["weights"], *changes, own, network.excitatory, *by_target, homeo)
