"""Oja's rule: Hebbian growth that forgets in proportion, so that a neuron's weights keep their size.

Oja (1982), ``dw/dt = eta y (x - y w)``, taken at the spikes of the target, which come at its rate y. With traces that
rise by one at a spike, ``x`` of the source (``tau_pre``) and ``y`` of the target (``tau_post``) before this spike::

    post spikes:  w <- clip(w + eta (w_max x_i - (1 + y_j) w), 0, w_max)

It settles where ``w / w_max`` is the mean of x over that of 1 + y at the target's spikes: at what share of them the
source fired shortly before, and never at both bounds as additive STDP does.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba.extending import overload

from snnlab.config import NeuromorphicConfig
from snnlab.kernels import OPTIONS, part
from snnlab.reservoirs.plasticity.strategy import Synapses, adapt
from snnlab.types import Array, Arrays

__all__ = ["Oja", "OjaRule"]

# ruff: noqa: ANN001, ANN202, ARG001 - the types of a kernel are those it is compiled for, its arguments every rule's
# mypy: disable-error-code="no-untyped-def"


@dataclass(frozen=True)
class Oja:
    """The constants of Oja's rule.

    >>> Oja.of(NeuromorphicConfig().replace({"learning.algorithm": "Oja"}), w_max=2.0)
    Oja(w_max=2.0, rate=0.01, traces=(20.0, 20.0))
    """

    w_max: float
    rate: float
    """Share of the way that one spike of the target goes."""
    traces: tuple[float, ...]
    """Ticks: of x and y."""

    @classmethod
    def of(cls, config: NeuromorphicConfig, w_max: float) -> "Oja":
        """The constants of a configuration, for weights in [0, ``w_max``]."""
        learning = config.learning
        return cls(w_max, learning.learning_rate, (learning.tau_pre / config.tick, learning.tau_post / config.tick))

    def fresh(self, neurons: int, degree: int, real: np.dtype[np.floating]) -> Arrays:
        """See :meth:`.strategy.Strategy.fresh`."""
        del neurons, degree, real
        return {}

    def bind(self, synapses: Synapses, learned: Arrays, real: np.dtype[np.floating]) -> "OjaRule":
        """See :meth:`.strategy.Strategy.bind`."""
        del learned
        return OjaRule(real.type(self.rate), real.type(self.w_max), *synapses.by_target)


class OjaRule(NamedTuple):
    """The rule as its kernel reads it."""

    rate: np.floating
    w_max: np.floating
    ptr: Array
    source: Array
    slot: Array


@overload(adapt, jit_options=OPTIONS)
def _adapt(rule, weights, targets, age, traces, spikes, count, before):
    return _correlate if getattr(rule, "instance_class", None) is OjaRule else None


@part
def _correlate(rule, weights, targets, age, traces, spikes, count, before):
    rate, w_max, ptr, source, slot = rule
    degree, zero, one = targets.shape[1], before.dtype.type(0), before.dtype.type(1)
    x, y = traces[0], traces[1]
    for s in range(count):
        j = spikes[s]
        kept, gained = one - rate * (one + y[j]), rate * w_max
        for q in range(ptr[j], ptr[j + 1]):
            place = np.uint64(source[q]) * np.uint64(degree) + np.uint64(slot[q])
            weights[place] = min(max(kept * weights[place] + gained * x[source[q]], zero), w_max)
