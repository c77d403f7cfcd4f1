"""Triplet STDP: potentiation that depends on how lately the postsynaptic neuron has fired before.

The rule of Pfister & Gerstner (2006) with all spikes paired, without its second depression term, which their fits put
to zero. With traces that rise by one at a spike, ``r`` of the source (``tau_pre``), ``o`` (``tau_post``) and the slow
``s`` (``tau_triplet``) of the target, all as they stand before the spike::

    post spikes:  w <- min(w_max, w + r_i (A_pair + A_triplet s_j))
    then pre:     w <- max(0,     w - A_minus o_j)

``learning_rate w_max`` is what a pair at no delay adds where s stands at its mean for ``target_rate``; ``triplet`` is
the share of it that the slow trace carries, so that neurons above their target rate gain and those below lose, as in
the rule of Bienenstock, Cooper & Munro. ``A_minus`` is that of :mod:`.stdp`.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba.extending import overload

from snnlab.config import NeuromorphicConfig
from snnlab.kernels import OPTIONS, part
from snnlab.reservoirs.plasticity.strategy import Synapses, adapt
from snnlab.types import Array, Arrays

__all__ = ["Triplet", "TripletRule"]

# ruff: noqa: ANN001, ANN202, ARG001 - the types of a kernel are those it is compiled for, its arguments every rule's
# mypy: disable-error-code="no-untyped-def"


@dataclass(frozen=True)
class Triplet:
    """The constants of triplet STDP.

    >>> rule = Triplet.of(NeuromorphicConfig().replace({"learning.algorithm": "triplet"}), w_max=2.0)
    >>> rule.pair, round(rule.triplet, 4), rule.minus, rule.traces  # 0.008 = 0.01 * 2 / (0.02 * 125)
    (0.0, 0.008, 0.021, (20.0, 20.0, 125.0))
    """

    w_max: float
    pair: float
    triplet: float
    minus: float
    traces: tuple[float, ...]
    """Ticks: of r, o and s."""

    @classmethod
    def of(cls, config: NeuromorphicConfig, w_max: float) -> "Triplet":
        """The constants of a configuration, for weights in [0, ``w_max``]."""
        learning = config.learning
        plus, usual = learning.learning_rate * w_max, learning.homeostasis.target_rate * learning.tau_triplet
        return cls(
            w_max=w_max,
            pair=plus * (1.0 - learning.triplet),
            triplet=plus * learning.triplet / (usual / config.tick),
            minus=learning.depression * plus * learning.tau_pre / learning.tau_post,
            traces=tuple(tau / config.tick for tau in (learning.tau_pre, learning.tau_post, learning.tau_triplet)),
        )

    def fresh(self, neurons: int, degree: int, real: np.dtype[np.floating]) -> Arrays:
        """See :meth:`.strategy.Strategy.fresh`."""
        del neurons, degree, real
        return {}

    def bind(self, synapses: Synapses, learned: Arrays, real: np.dtype[np.floating]) -> "TripletRule":
        """See :meth:`.strategy.Strategy.bind`."""
        del learned
        pair, triplet, minus, w_max = map(real.type, (self.pair, self.triplet, self.minus, self.w_max))
        return TripletRule(pair, triplet, minus, w_max, synapses.excitatory, *synapses.by_target)


class TripletRule(NamedTuple):
    """The rule as its kernel reads it."""

    pair: np.floating
    triplet: np.floating
    minus: np.floating
    w_max: np.floating
    excitatory: Array
    ptr: Array
    source: Array
    slot: Array


@overload(adapt, jit_options=OPTIONS)
def _adapt(rule, weights, targets, age, traces, spikes, count, before):
    return _triplets if getattr(rule, "instance_class", None) is TripletRule else None


@part
def _triplets(rule, weights, targets, age, traces, spikes, count, before):
    pair, triplet, minus, w_max, excitatory, ptr, source, slot = rule
    degree, zero = targets.shape[1], before.dtype.type(0)
    r, o, slow = traces[0], traces[1], traces[2]
    for s in range(count):
        j = spikes[s]
        rise = pair + triplet * slow[j]
        for q in range(ptr[j], ptr[j + 1]):
            place = np.uint64(source[q]) * np.uint64(degree) + np.uint64(slot[q])
            weights[place] = min(weights[place] + rise * r[source[q]], w_max)
    for s in range(count):
        i = spikes[s]
        if excitatory[i]:
            reached, own = targets[i], weights[i * degree : (i + 1) * degree]
            for k in range(degree):
                own[k] = max(own[k] - minus * o[reached[k]], zero)
