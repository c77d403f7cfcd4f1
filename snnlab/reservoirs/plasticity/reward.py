"""Reward-modulated STDP: pairs leave a trace of eligibility, and what comes of them later decides what is learnt.

Izhikevich (2007): the changes that :mod:`.stdp` would make go to the eligibility ``c`` of a synapse, which decays with
``tau_eligibility``, and a reward R, good or bad and late, makes them ``w <- clip(w + R c, 0, w_max)``. A neuron's own
spikes are eligible as well: ``threshold_j <- threshold_j - learning_rate v_threshold R e_j``, so that those which spoke
before a false alarm speak less readily, and those before a true one more: thresholds that adapt to feedback. What
homeostasis bounds stays bounded, and it goes on to pull them back.

Time is that of the shard: the ticks it learns in, whoever they belong to. Eligibilities are held times a factor that
grows with them, so that no synapse has to be visited to decay.
"""

from dataclasses import dataclass, field
from math import exp
from typing import NamedTuple

import numpy as np
from jaxtyping import Int8
from numba.extending import overload

from snnlab.config import NeuromorphicConfig
from snnlab.kernels import OPTIONS, kernel, part
from snnlab.reservoirs.plasticity.homeostasis import Homeostasis
from snnlab.reservoirs.plasticity.stdp import Stdp
from snnlab.reservoirs.plasticity.strategy import Synapses, adapt
from snnlab.types import Array, Arrays

__all__ = ["RewardRule", "RewardStdp"]

# ruff: noqa: ANN001, ANN202, ARG001 - the types of a kernel are those it is compiled for, its arguments every rule's
# mypy: disable-error-code="no-untyped-def"

_LARGE = 1e6


@dataclass(frozen=True, eq=False)
class RewardStdp:
    """The constants of reward-modulated STDP.

    >>> rule = RewardStdp.of(NeuromorphicConfig().replace({"learning.algorithm": "R-STDP"}), w_max=2.0)
    >>> round(rule.growth, 6), rule.threshold_rate, sorted(rule.fresh(4, 2, np.dtype(np.float32)))
    (1.001001, 0.01, ['eligibility', 'growth', 'spoke'])
    """

    pairs: Stdp
    growth: float
    """Of the factor, in a tick."""
    threshold_rate: float
    homeostasis: Homeostasis
    traces: tuple[float, ...] = field(default=())

    @classmethod
    def of(cls, config: NeuromorphicConfig, w_max: float) -> "RewardStdp":
        """The constants of a configuration, for weights in [0, ``w_max``]."""
        learning = config.learning
        return cls(
            pairs=Stdp.of(config, w_max),
            growth=exp(config.tick / learning.tau_eligibility),
            threshold_rate=learning.learning_rate * config.neuron.v_threshold,
            homeostasis=Homeostasis.of(config),
        )

    def fresh(self, neurons: int, degree: int, real: np.dtype[np.floating]) -> Arrays:
        """See :meth:`.strategy.Strategy.fresh`: nothing is eligible yet."""
        return {
            "eligibility": np.zeros((neurons, degree), real),
            "spoke": np.zeros(neurons, real),
            "growth": np.ones(1),
        }

    def bind(self, synapses: Synapses, learned: Arrays, real: np.dtype[np.floating]) -> "RewardRule":
        """See :meth:`.strategy.Strategy.bind`."""
        pairs = self.pairs.bind(synapses, learned, real)
        flat = learned["eligibility"].reshape(-1)
        return RewardRule(pairs.ltp, pairs.ltd, self.growth, flat, learned["spoke"], learned["growth"], *synapses)

    def reward(self, learned: Arrays, amount: float, excitatory: Int8[np.ndarray, " i"]) -> None:
        """Learn from a reward: what is eligible changes, in place, by ``amount`` of its eligibility."""
        factor = amount / float(learned["growth"][0])
        own, weights = excitatory > 0, learned["weights"]
        changed = weights[own] + weights.dtype.type(factor) * learned["eligibility"][own]
        weights[own] = np.clip(changed, 0.0, weights.dtype.type(self.pairs.w_max))
        threshold = learned["threshold"]
        threshold -= threshold.dtype.type(self.threshold_rate * factor) * learned["spoke"]
        np.clip(threshold, self.homeostasis.lowest, self.homeostasis.highest, out=threshold)


class RewardRule(NamedTuple):
    """The rule as its kernel reads it."""

    ltp: Array
    ltd: Array
    up: float
    eligibility: Array
    spoke: Array
    growth: Array
    excitatory: Array
    ptr: Array
    source: Array
    slot: Array
    fillers: Array


@overload(adapt, jit_options=OPTIONS)
def _adapt(rule, weights, targets, age, traces, spikes, count, before):
    return _elect if getattr(rule, "instance_class", None) is RewardRule else None


@kernel
def _grow(growth, up, eligibility, spoke):
    """A tick passes: everything that is eligible decays against a factor that grows."""
    growth[0] *= up
    if growth[0] > _LARGE:
        shrink = eligibility.dtype.type(1.0 / growth[0])
        for q in range(eligibility.size):
            eligibility[q] *= shrink
        for j in range(spoke.size):
            spoke[j] *= shrink
        growth[0] = 1.0


@part
def _elect(rule, weights, targets, age, traces, spikes, count, before):
    ltp, ltd, up, eligibility, spoke, growth, excitatory, ptr, source, slot, fillers = rule
    _grow(growth, up, eligibility, spoke)
    degree, factor, zero = targets.shape[1], before.dtype.type(growth[0]), before.dtype.type(0)
    last = np.uint16(ltp.size - 1)
    for s in range(count):
        j = spikes[s]
        spoke[j] += factor
        for q in range(ptr[j], ptr[j + 1]):
            place = np.uint64(source[q]) * np.uint64(degree) + np.uint64(slot[q])
            eligibility[place] += factor * ltp[min(age[source[q]], last)]
    last = np.uint16(ltd.size - 1)
    for s in range(count):
        i = spikes[s]
        if excitatory[i]:
            reached, own = targets[i], eligibility[i * degree : (i + 1) * degree]
            for k in range(degree):
                own[k] -= factor * ltd[min(age[reached[k]], last)]
            for k in range(min(degree, fillers.size)):
                own[k] = zero if fillers[i * degree + k] else own[k]
