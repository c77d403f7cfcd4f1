"""The native engine's loop for a long run of one large network that learns by STDP: weights are learnt row by row."""

import numpy as np
from numba import njit

from snnlab.kernels import kernel
from snnlab.reservoirs.engines.native.delivery import deliver
from snnlab.reservoirs.engines.native.kernels import inject, membranes, regulate
from snnlab.reservoirs.engines.native.marks import gather, spiked_ago
from snnlab.reservoirs.plasticity.stdp_deferred import bring_all, pair_rows, roll

__all__ = ["simulate_deferred"]

# ruff: noqa: ANN001, ANN201, ANN202 - the types of a kernel are those it is compiled for
# mypy: disable-error-code="no-untyped-def, no-untyped-call"


@njit(cache=True, nogil=True)
def simulate_deferred(frame, deferral, row, ptr, address, out_tick, out_neuron):
    """Run all ticks, learning; returns the spikes written, for which there must be room. The delay is one tick."""
    net, rule, learned, state, params = frame.arrays
    return _simulate(
        net, rule, learned, state, params, frame.scratch, deferral, row, ptr, address, out_tick, out_neuron
    )


@kernel
def _simulate(net, rule, learned, state, params, scratch, deferral, row, ptr, address, out_tick, out_neuron):
    ltp, _, w_max, excitatory = rule[:4]
    real, whole, _, _, homeo = params
    threshold, weights, homeostat = learned
    own = state[0][row], state[1][row], state[2][row], state[3][row], state[4][row]
    age, spikes, arriving, refractory = own[3], scratch.spikes, scratch.arriving, np.uint16(whole[0])
    targets, degree, ticks, rise = net.addresses, whole[4], ptr.size - 1, float(ltp[0])
    due = spiked_ago(age, 0, scratch.fired, spikes)
    deliver(targets, weights, degree, real[15], spikes, due, arriving, scratch.sums)
    used = 0
    for t in range(ticks):
        for q in range(ptr[t], ptr[t + 1]):
            inject(net, address[q], scratch.brought)
        roll(deferral, t, weights, rise, w_max, excitatory, targets)
        pool, gain = real[8] * real.dtype.type(due), real.dtype.type(homeostat[0])
        membranes(own, threshold, net.bias, arriving, scratch.brought, gain, pool, real, refractory, scratch.fired)
        scratch.totals[1] += due * degree + (ptr[t + 1] - ptr[t]) * net.input_targets.shape[1]
        due = gather(scratch.fired, spikes)
        pair_rows(deferral, t, spikes, due, weights, rise, w_max, excitatory, targets, arriving, t + 1 < ticks)
        if homeo[1] > 0.0 and ptr[t + 1] > ptr[t]:
            regulate(learned, homeo, spikes, due)
        for s in range(due):
            age[spikes[s]] = 0
            out_tick[used], out_neuron[used] = t, spikes[s]
            used += 1
    bring_all(deferral, weights, rise, w_max, excitatory, targets)
    scratch.totals[0] += used
    scratch.totals[2] += ticks * age.size
    return used
