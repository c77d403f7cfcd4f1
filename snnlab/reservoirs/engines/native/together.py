"""One network for all events of a tick: their spikes are counted while the tick is open, and run once when it is over.

The input of a tick is the mean of what its events bring, so that a tick of a thousand events drives the network no
harder than one of a single event: divisive normalisation (Carandini & Heeger, Nature Reviews Neuroscience 13, 2012).
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from snnlab.kernels import inlined, kernel
from snnlab.reservoirs.engines.native.kernels import regulate, settle, tick
from snnlab.reservoirs.engines.native.marks import gather
from snnlab.types import Array, Arrays

__all__ = ["Together", "drive_together", "fresh_together"]

# ruff: noqa: ANN001, ANN201, ANN202 - the types of a kernel are those it is compiled for
# mypy: disable-error-code="no-untyped-def"

_NONE_YET = -(2**63)
_OPEN, _LAST, _EVENTS = range(3)


class Together(NamedTuple):
    """What a shard knows of the tick that is open."""

    ticks: Array
    """The open tick, the last one that was run, and the events of the open one."""
    heard: Array
    """How often each input neuron has fired in it."""


def fresh_together(n_inputs: int) -> Arrays:
    """No tick is open, and none was run.

    >>> fresh_together(2)["heard"].tolist()
    [0, 0]
    """
    return {"ticks": np.array([_NONE_YET, _NONE_YET, 0]), "heard": np.zeros(n_inputs, np.int32)}


@njit(cache=True, nogil=True)
def drive_together(frame, shared, cap, at, address, learn, ptr, neuron, ran):
    """Take events that come in ticks ``at``: run each tick that is over when an event of a later one comes.

    ``ran`` marks the events before which a tick was run; ``neuron`` between ``ptr`` lists who fired in it. A gap
    between ticks is at most ``cap``. ``neuron`` has room for the whole network at every event.
    """
    _drive(frame.arrays, frame.scratch, shared, cap, at, address, learn, ptr, neuron, ran)


@kernel
def _drive(network, scratch, shared, cap, at, address, learn, ptr, neuron, ran):
    ticks, heard = shared.ticks, shared.heard
    scratch.totals[:] = 0
    ptr[0] = 0
    used = 0
    for t in range(at.size):
        ran[t] = ticks[_OPEN] != _NONE_YET and at[t] > ticks[_OPEN]
        if ran[t]:
            used += _run(network, scratch, shared, cap, learn, neuron[used:])
        if ran[t] or ticks[_OPEN] == _NONE_YET:
            ticks[_OPEN] = at[t]
        ptr[t + 1] = used
        ticks[_EVENTS] += 1
        for q in range(address.shape[1]):
            _hear(address[t, q], heard, network[0].volleys)


@inlined
def _hear(source, heard, volleys):
    if np.uint32(source) < np.uint32(heard.size):  # none is -1
        heard[source] += 1
    elif source >= 0:
        first = volleys[source - heard.size, 0]
        for fired in range(first, first + volleys[source - heard.size, 1]):
            heard[fired] += 1


@kernel
def _run(network, scratch, shared, cap, learn, fired):
    """Run the open tick, after the gap before it; returns how many neurons fired."""
    net, rule, learned, state, params = network
    real, whole, _, decay, homeo = params
    own = state[0][0], state[1][0], state[2][0], state[3][0], state[4][0]
    ticks, heard = shared.ticks, shared.heard
    if ticks[_LAST] != _NONE_YET and ticks[_OPEN] - ticks[_LAST] > 1:
        settle(own, net, rule, learned, params, min(ticks[_OPEN] - ticks[_LAST] - 1, cap), learn, scratch)
    share = real.dtype.type(1.0 / ticks[_EVENTS])
    for source in range(heard.size):
        if heard[source]:
            strength = share * real.dtype.type(heard[source])
            for k in range(net.input_targets.shape[1]):
                scratch.brought[net.input_targets[source, k]] += strength * net.input_weights[source, k]
            scratch.totals[1] += net.input_targets.shape[1]
            heard[source] = 0
    n_spikes = tick(own, net, rule, learned, real, whole, decay, learn, scratch)
    if learn and homeo[1] > 0.0:
        regulate(learned, homeo, scratch.spikes, n_spikes)
    ticks[_LAST], ticks[_EVENTS] = ticks[_OPEN], 0
    return gather(scratch.fired, fired)
