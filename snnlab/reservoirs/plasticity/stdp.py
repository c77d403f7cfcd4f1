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
from snnlab.prefetch import fetch
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
        most = int(np.diff(synapses.by_target[0]).max(initial=0)) + 1
        return StdpRule(
            self.potentiation.astype(real),
            self.depression.astype(real),
            real.type(self.w_max),
            synapses.excitatory,
            *synapses.by_target,
            np.zeros(most, np.uint64),
            np.zeros(most, real),
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
    places: Array
    """Scratch: where the weights of one target lie that grow, and by how much."""
    changes: Array


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
    ltp, last = rule.ltp, np.uint16(rule.ltp.size - 1)
    if not few:
        for i in range(age.size):
            before[i] = ltp[min(age[i], last)]
    for s in range(count):
        j = spikes[s]
        if not few:
            _strengthen_to(rule, weights, degree, j, before)
            continue
        for q in range(rule.ptr[j], rule.ptr[j + 1]):
            i = rule.source[q]
            place = np.uint64(i) * np.uint64(degree) + np.uint64(rule.slot[q])
            weights[place] = min(weights[place] + ltp[min(age[i], last)], rule.w_max)


@kernel
def _strengthen_to(rule, weights, degree, j, before):
    """Strengthen the synapses to one target, each by what its source's age says.

    Their weights lie far apart, and most sources have been silent for too long to count. So first those that count are
    listed, without a branch that nobody could foresee, and asked for; then they are there.
    """
    places, changes, zero = rule.places, rule.changes, before.dtype.type(0)
    found = 0
    for q in range(rule.ptr[j], rule.ptr[j + 1]):
        i = rule.source[q]
        place, counts = np.int64(i) * degree + np.int64(rule.slot[q]), before[i] > zero
        places[found], changes[found] = place, before[i]
        fetch(weights, place * counts)
        found += counts
    for k in range(found):
        weights[places[k]] = min(weights[places[k]] + changes[k], rule.w_max)


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
