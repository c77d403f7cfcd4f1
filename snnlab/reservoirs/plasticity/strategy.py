"""What a plasticity rule is to a network and to the engine that runs it.

A rule is a frozen dataclass of constants, made from a configuration by its ``of``. It names the traces that it wants of
every neuron of every entity (decaying, raised by one at a spike) and the arrays that it learns beside the weights, and
binds both to a tuple that its compiled kernel :func:`adapt` knows by its type.
"""

from typing import Any, NamedTuple, Protocol

import numpy as np
from numba.extending import overload

from snnlab.kernels import OPTIONS, kernel, part
from snnlab.types import Array, Arrays

__all__ = ["Static", "StaticRule", "Strategy", "Synapses", "adapt", "follow"]

# ruff: noqa: ANN001, ANN201, ANN202, ARG001 - the types of a kernel are those it is compiled for
# mypy: disable-error-code="no-untyped-def"


class Synapses(NamedTuple):
    """The plastic synapses by source and by target; see :class:`snnlab.reservoirs.network.Incoming`."""

    excitatory: Array
    """1 for neurons whose synapses learn."""
    ptr: Array
    source: Array
    slot: Array
    fillers: Array
    """1 where a place of a row, flattened, holds no synapse; empty where all of them do."""

    @property
    def by_target(self) -> tuple[Array, Array, Array]:
        """Where each target's begin, and their sources and slots."""
        return self.ptr, self.source, self.slot


class Strategy(Protocol):
    """The constants of one rule."""

    @property
    def traces(self) -> tuple[float, ...]:
        """Time constants in ticks of the traces that an entity keeps of each neuron."""

    def fresh(self, neurons: int, degree: int, real: np.dtype[np.floating]) -> Arrays:
        """What is learnt beside the weights, before the first event."""

    def bind(self, synapses: Synapses, learned: Arrays, real: np.dtype[np.floating]) -> tuple[Any, ...]:
        """The rule as its kernel reads it: its own type of named tuple."""


class StaticRule(NamedTuple):
    """Nothing learns."""

    never: bool


class Static:
    """The strategy of a network whose synapses stay as they are.

    >>> Static().traces, Static().fresh(10, 2, np.dtype(np.float32))
    ((), {})
    """

    traces: tuple[float, ...] = ()

    def fresh(self, neurons: int, degree: int, real: np.dtype[np.floating]) -> Arrays:
        """See :meth:`Strategy.fresh`."""
        del neurons, degree, real
        return {}

    def bind(self, synapses: Synapses, learned: Arrays, real: np.dtype[np.floating]) -> StaticRule:
        """See :meth:`Strategy.bind`."""
        del synapses, learned, real
        return StaticRule(never=True)


def adapt(rule, weights, targets, age, traces, spikes, count, before):
    """Learn from the first ``count`` of ``spikes``, those of one tick, in place; each rule overloads it by its type.

    ``weights`` are flat, a row of ``targets`` after the other. ``age`` and ``traces`` are those before these spikes,
    ``before`` is scratch of a number a neuron.
    """
    raise NotImplementedError


@overload(adapt, jit_options=OPTIONS)
def _adapt_static(rule, weights, targets, age, traces, spikes, count, before):
    return _nothing if getattr(rule, "instance_class", None) is StaticRule else None


@part
def _nothing(rule, weights, targets, age, traces, spikes, count, before):
    pass


@kernel
def follow(traces, decay, spikes, count):
    """Traces rise at spikes, once these have been learnt from, and decay until the next tick."""
    one = traces.dtype.type(1)
    for q in range(traces.shape[0]):
        for s in range(count):
            traces[q, spikes[s]] += one
        for j in range(traces.shape[1]):
            traces[q, j] *= decay[q]
