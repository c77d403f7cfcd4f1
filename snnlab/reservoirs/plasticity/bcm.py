"""The rule of Bienenstock, Cooper & Munro: weak answers are forgotten, strong ones learnt, and the border slides.

Bienenstock, Cooper & Munro (1982) in the form of Intrator & Cooper (1992), ``dw/dt = eta x y (y - theta)``, taken at
the spikes of the source, which come at its rate x. ``y`` is a trace of the target that rises by one at a spike
(``tau_post``), as it stands before it; ``y_0`` is its mean at ``target_rate``; times are ticks that a shard learns in::

    every tick:   theta_j <- theta_j + (y_j^2 / y_0 - theta_j) / tau_slide
    pre spikes:   w <- clip(w + eta w_max y_j (y_j - theta_j) / y_0^2, 0, w_max)

At the target rate growth and loss cancel: ``mean(y^2) = theta mean(y)`` where ``mean(y) = y_0``. A neuron that fires
more than that raises its border until it gains no more.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba.extending import overload

from snnlab.config import NeuromorphicConfig
from snnlab.kernels import OPTIONS, part
from snnlab.reservoirs.plasticity.strategy import Synapses, adapt
from snnlab.types import Array, Arrays

__all__ = ["Bcm", "BcmRule"]

# ruff: noqa: ANN001, ANN202, ARG001 - the types of a kernel are those it is compiled for, its arguments every rule's
# mypy: disable-error-code="no-untyped-def"


@dataclass(frozen=True)
class Bcm:
    """The constants of the rule.

    >>> Bcm.of(NeuromorphicConfig().replace({"learning.algorithm": "BCM"}), w_max=2.0)
    Bcm(w_max=2.0, rate=0.02, usual=0.4, slide=0.001, traces=(20.0,))
    """

    w_max: float
    rate: float
    """``eta w_max``."""
    usual: float
    """``y_0``."""
    slide: float
    """Share of the way that the border goes in a tick."""
    traces: tuple[float, ...]
    """Ticks: of y."""

    @classmethod
    def of(cls, config: NeuromorphicConfig, w_max: float) -> "Bcm":
        """The constants of a configuration, for weights in [0, ``w_max``]."""
        learning = config.learning
        tau = learning.tau_post / config.tick
        return cls(
            w_max=w_max,
            rate=learning.learning_rate * w_max,
            usual=learning.homeostasis.target_rate * tau,
            slide=config.tick / learning.tau_slide,
            traces=(tau,),
        )

    def fresh(self, neurons: int, degree: int, real: np.dtype[np.floating]) -> Arrays:
        """See :meth:`.strategy.Strategy.fresh`: borders where chance firing at the target rate puts them.

        Poisson firing gives ``mean(y^2) = y_0^2 + y_0 / 2`` (Campbell's theorem).
        """
        del degree
        return {"border": np.full(neurons, self.usual + 0.5, real)}

    def bind(self, synapses: Synapses, learned: Arrays, real: np.dtype[np.floating]) -> "BcmRule":
        """See :meth:`.strategy.Strategy.bind`."""
        rate, usual = real.type(self.rate / self.usual**2), real.type(self.usual)
        slide, w_max = real.type(self.slide), real.type(self.w_max)
        return BcmRule(rate, usual, slide, w_max, learned["border"], synapses.excitatory, synapses.fillers)


class BcmRule(NamedTuple):
    """The rule as its kernel reads it."""

    rate: np.floating
    usual: np.floating
    slide: np.floating
    w_max: np.floating
    border: Array
    excitatory: Array
    fillers: Array


@overload(adapt, jit_options=OPTIONS)
def _adapt(rule, weights, targets, age, traces, spikes, count, before):
    return _slide if getattr(rule, "instance_class", None) is BcmRule else None


@part
def _slide(rule, weights, targets, age, traces, spikes, count, before):
    rate, usual, slide, w_max, border, excitatory, fillers = rule
    y, degree, zero = traces[0], targets.shape[1], before.dtype.type(0)
    for j in range(y.size):
        border[j] += slide * (y[j] * y[j] / usual - border[j])
        before[j] = rate * y[j] * (y[j] - border[j])
    for s in range(count):
        i = spikes[s]
        if excitatory[i]:
            reached, own = targets[i], weights[i * degree : (i + 1) * degree]
            for k in range(degree):
                own[k] = min(max(own[k] + before[reached[k]], zero), w_max)
            for k in range(min(degree, fillers.size)):
                own[k] = zero if fillers[i * degree + k] else own[k]
