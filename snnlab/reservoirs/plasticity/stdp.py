"""Spike-timing-dependent plasticity: additive, pair-based, with hard bounds.

Weights are shared by all entities of a shard; the spike times that pair are an entity's own. Each presynaptic spike
pairs with the last spike of its target, each postsynaptic spike with the last spike of its source (the symmetric
nearest-neighbour scheme of Morrison, Diesmann & Gerstner 2008, fig. 7A), so that one age a neuron, the ticks since
its last spike, is all that a pair needs. At a tick t, with the ages before it::

    post spikes:  w <- min(w_max, w + A_plus  exp(-(t - t_pre) / tau_pre))
    then pre:     w <- max(0,     w - A_minus exp(-(t - t_post) / tau_post))

with ``A_plus = learning_rate w_max`` (Song, Miller & Abbott 2000) and ``A_minus tau_post = depression A_plus tau_pre``.
Two spikes of one tick do not pair. Times are those of emission. Synapses of excitatory neurons learn, others keep.
"""

from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64
from numba.extending import overload

from snnlab.config import NeuromorphicConfig
from snnlab.kernels import OPTIONS, kernel, part
from snnlab.reservoirs.plasticity.strategy import Synapses, adapt
from snnlab.types import Array, Arrays

__all__ = ["Stdp", "StdpRule"]

# ruff: noqa: ANN001, ANN202, ARG001 - the types of a kernel are those it is compiled for, its arguments every rule's
# mypy: disable-error-code="no-untyped-def"

_FORGOTTEN = 37.0
"""Time constants after which a pair counts nothing: exp(-37) is below a float64's resolution of one."""


@dataclass(frozen=True, eq=False)
class Stdp:
    """The constants of STDP. ``potentiation[a]`` and ``depression[a]`` are the changes of a pair ``a`` ticks apart.

    The last entry of each is 0, for all that is further apart.

    >>> stdp = Stdp.of(NeuromorphicConfig(), w_max=2.0)
    >>> [round(float(change), 6) for change in (stdp.potentiation[1], stdp.depression[1])]
    [0.019025, 0.019976]
    """

    w_max: float
    potentiation: Float64[np.ndarray, " pre"]
    depression: Float64[np.ndarray, " post"]
    traces: tuple[float, ...] = ()

    @classmethod
    def of(cls, config: NeuromorphicConfig, w_max: float) -> "Stdp":
        """The constants of a configuration, for weights in [0, ``w_max``]."""
        learning = config.learning
        a_plus = learning.learning_rate * w_max
        a_minus = learning.depression * a_plus * learning.tau_pre / learning.tau_post
        return cls(
            w_max=w_max,
            potentiation=a_plus * _window(learning.tau_pre / config.tick),
            depression=a_minus * _window(learning.tau_post / config.tick),
        )

    def fresh(self, neurons: int, degree: int, real: np.dtype[np.floating]) -> Arrays:
        """See :meth:`.strategy.Strategy.fresh`."""
        del neurons, degree, real
        return {}

    def bind(self, synapses: Synapses, learned: Arrays, real: np.dtype[np.floating]) -> "StdpRule":
        """See :meth:`.strategy.Strategy.bind`."""
        del learned
        return StdpRule(
            self.potentiation.astype(real),
            self.depression.astype(real),
            real.type(self.w_max),
            synapses.excitatory,
            *synapses.by_target,
        )


def _window(tau_ticks: float) -> Float64[np.ndarray, " a"]:
    ages = np.arange(min(ceil(_FORGOTTEN * tau_ticks), 60_000) + 1)
    window = np.exp(-ages / tau_ticks)
    window[-1] = 0.0
    return window


class StdpRule(NamedTuple):
    """The rule as its kernel reads it."""

    ltp: Array
    ltd: Array
    w_max: np.floating
    excitatory: Array
    ptr: Array
    source: Array
    slot: Array


@overload(adapt, jit_options=OPTIONS)
def _adapt(rule, weights, targets, age, traces, spikes, count, before):
    return _pair if getattr(rule, "instance_class", None) is StdpRule else None


@part
def _pair(rule, weights, targets, age, traces, spikes, count, before):
    """Spikes first as targets, then as sources, with the ages before them."""
    if count == 0:
        return
    few = count * targets.shape[1] < age.size  # then a look at each synapse's own partner costs less than at them all
    _strengthen(rule, weights, targets.shape[1], age, spikes, count, few, before)
    _weaken(rule, weights, targets, age, spikes, count, few, before)


@kernel
def _strengthen(rule, weights, degree, age, spikes, count, few, before):
    ltp, last, zero = rule.ltp, np.uint16(rule.ltp.size - 1), before.dtype.type(0)
    if not few:
        for i in range(age.size):
            before[i] = ltp[min(age[i], last)]
    for s in range(count):
        j = spikes[s]
        for q in range(rule.ptr[j], rule.ptr[j + 1]):
            i = rule.source[q]
            change = ltp[min(age[i], last)] if few else before[i]
            if few or change > zero:  # else the source has been silent for long, and the weight lies far away
                place = np.uint64(i) * np.uint64(degree) + np.uint64(rule.slot[q])
                weights[place] = min(weights[place] + change, rule.w_max)


@kernel
def _weaken(rule, weights, targets, age, spikes, count, few, before):
    ltd, last = rule.ltd, np.uint16(rule.ltd.size - 1)
    degree, zero = targets.shape[1], before.dtype.type(0)
    if not few:
        for i in range(age.size):
            before[i] = ltd[min(age[i], last)]
    for s in range(count):
        j = spikes[s]
        if rule.excitatory[j]:
            reached, own = targets[j], weights[j * degree : (j + 1) * degree]
            for k in range(degree):
                own[k] = max(own[k] - (ltd[min(age[reached[k]], last)] if few else before[reached[k]]), zero)
