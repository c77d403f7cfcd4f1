"""Compiled loops of the native engine. Parameters come packed, in the order of :class:`.plan.Plan`."""

from math import exp, expm1
from typing import NamedTuple

import numpy as np
from numba import njit

from snnlab.kernels import inlined, kernel
from snnlab.reservoirs.engines.native.delivery import deliver
from snnlab.reservoirs.engines.native.marks import gather, spiked_ago
from snnlab.reservoirs.plasticity.kernels import regulate_gain, regulate_thresholds
from snnlab.reservoirs.plasticity.strategy import adapt, follow
from snnlab.types import Array

__all__ = [
    "Net",
    "Scratch",
    "drive",
    "inject",
    "membranes",
    "regulate",
    "settle",
    "simulate",
    "tick",
]

# ruff: noqa: ANN001, ANN201, ANN202 - the types of a kernel are those it is compiled for
# mypy: disable-error-code="no-untyped-def, no-untyped-call"

_NEVER = 65535


class Net(NamedTuple):
    """What never changes of a network but its numbers."""

    addresses: Array
    """Targets, or masks of them: see :mod:`.delivery`."""
    bias: Array
    input_targets: Array
    input_weights: Array
    volleys: Array
    """[v, 2]: input neurons that fire as one, the first and how many; their addresses follow those of the neurons."""
    joined: Array
    """[v, i]: what each volley brings to each neuron."""


class Scratch(NamedTuple):
    """What a thread works in."""

    spikes: Array
    """Of a tick."""
    fired: Array
    arriving: Array
    """By synapses, and nothing between ticks."""
    brought: Array
    """By input spikes, and nothing between ticks."""
    totals: Array
    """Spikes, synaptic events and updates of neurons of a call."""
    seen: Array
    """Spikes a neuron of an event, and nothing between events; as ``fired``, see :mod:`.marks`."""
    sums: Array
    """Of levels; see :mod:`.delivery`."""
    before: Array
    """A number a neuron, for rules."""


@kernel
def inject(net, source, brought):
    """Collect what an input neuron or a volley brings, for the neurons' update; returns how many of the input fired."""
    targets, volley = net.input_targets, source - net.input_targets.shape[0]
    if volley < 0:
        for k in range(targets.shape[1]):
            brought[targets[source, k]] += net.input_weights[source, k]
        return 1
    joined = net.joined[volley]
    for j in range(joined.size):
        brought[j] += joined[j]
    return net.volleys[volley, 1]


@inlined
def membranes(own, threshold, bias, arriving, brought, gain, pool, real, refractory, fired):
    """One tick of all neurons, as in the equations of :mod:`snnlab.reservoirs.neurons`.

    What has decayed below 1e-30 is put to zero: denormal numbers never reach it by themselves and are slow.
    """
    v, i, a, age, _ = own
    membrane, to_membrane, to_bias, synapse = real[0], real[1], real[2], real[3]
    adaptation, theta, reset, rise = real[4], real[5], real[6], real[7]
    at_once, as_current, zero, tiny = real[11] * gain, real[12] * gain, real[13], real[14]
    for j in range(v.size):
        older = np.uint16(min(np.int32(age[j]) + np.int32(1), np.int32(_NEVER)))
        active = older > refractory
        v_in, i_in = v[j] + at_once * brought[j], i[j] + as_current * brought[j]
        potential = membrane * v_in + to_membrane * i_in + to_bias * bias[j]
        potential = potential if active else v[j]
        held = adaptation * a[j]
        held = held if held > tiny else zero
        spike = active and potential >= theta + threshold[j] + held
        kept = synapse * i_in + (arriving[j] - pool)
        i[j] = kept if abs(kept) > tiny else zero
        arriving[j] = brought[j] = zero
        potential = potential if abs(potential) > tiny else zero
        v[j] = reset if spike else potential
        a[j] = held + (rise if spike else zero)
        age[j] = older
        fired[j] = spike


@inlined
def tick(own, net, rule, learned, real, whole, decay, learn, scratch):
    """Deliver, update, learn; returns the spikes of the tick."""
    threshold, weights, homeostat = learned
    v, _, _, age, traces = own
    spikes, degree = scratch.spikes, whole[4]
    due = spiked_ago(age, whole[1] - 1, scratch.fired, spikes)
    if due > 0:
        deliver(net.addresses, weights, degree, real[15], spikes, due, scratch.arriving, scratch.sums)
    pool = real[8] * real.dtype.type(due)
    gain = v.dtype.type(homeostat[0])
    refractory = np.uint16(whole[0])
    membranes(own, threshold, net.bias, scratch.arriving, scratch.brought, gain, pool, real, refractory, scratch.fired)
    n_spikes = gather(scratch.fired, spikes)
    if learn:
        adapt(rule, weights, net.addresses, age, traces, spikes, n_spikes, scratch.before)
    follow(traces, decay, spikes, n_spikes)
    for s in range(n_spikes):
        age[spikes[s]] = 0
    scratch.totals[0] += n_spikes
    scratch.totals[1] += due * degree
    scratch.totals[2] += v.size
    return n_spikes


@inlined
def regulate(learned, homeo, spikes, n_spikes):
    """Homeostasis after a tick that brought input."""
    threshold, _, homeostat = learned
    kind = threshold.dtype.type
    raised = regulate_thresholds(
        threshold, spikes, n_spikes, kind(homeo[1]), kind(homeo[2]), kind(homeo[3]), kind(homeo[4])
    )
    regulate_gain(homeostat, n_spikes / threshold.size, homeo[0], homeo[5], homeo[6], raised)


@kernel
def _quiet(v, i, age, threshold, bias, real, whole):
    """Whether no neuron can fire any more without input: the bound is the membrane plus the current's whole peak."""
    theta, peak, zero = real[5], real[10], real[13]
    least = max(whole[0], whole[1])
    noisy = 0
    for j in range(v.size):
        bound = max(v[j], bias[j], zero) + peak * max(i[j], zero)
        noisy += (bound >= theta + threshold[j]) | (age[j] < least)
    return noisy == 0


@kernel
def _decay(v, i, a, age, traces, bias, times, ticks):
    """Let ticks pass in closed form, nobody firing."""
    span = ticks * times[3]
    x = span / times[0] - span / times[1]
    kind = v.dtype.type
    membrane = kind(exp(-span / times[0]))
    synapse = kind(exp(-span / times[1]))
    if x != 0.0:
        # exp(-span/tau_m) expm1(x) as a difference, since x may overflow
        to_membrane = kind(span / times[0] * (exp(-span / times[1]) - exp(-span / times[0])) / x)
    else:
        to_membrane = kind(span / times[0] * exp(-span / times[0]))
    to_bias = kind(-expm1(-span / times[0]))
    adaptation = kind(exp(-span / times[2]))
    passed = min(ticks, _NEVER)
    for j in range(v.size):
        v[j] = membrane * v[j] + to_membrane * i[j] + to_bias * bias[j]
        i[j] *= synapse
        a[j] *= adaptation
        age[j] = np.uint16(min(np.int64(age[j]) + passed, _NEVER))
    for q in range(traces.shape[0]):
        kept = kind(exp(-span / times[4 + q]))
        for j in range(v.size):
            traces[q, j] *= kept


@inlined
def settle(own, net, rule, learned, params, gap, learn, scratch):
    """Let a gap pass: tick by tick until quiet, at most ``settle_ticks``, then at once."""
    v, i, a, age, traces = own
    real, whole, times, decay, _ = params
    left = gap
    while left > 0:
        if gap - left >= whole[2] or _quiet(v, i, age, learned[0], net.bias, real, whole):
            _decay(v, i, a, age, traces, net.bias, times, left)
            scratch.totals[2] += v.size
            return
        tick(own, net, rule, learned, real, whole, decay, learn, scratch)
        left -= 1


@inlined
def _answer(own, net, rule, learned, params, address, when, ticks, learn, scratch, neuron, count):
    """Run an event's own ticks; returns how many fired: which ones is in ``neuron``, how often in ``count``."""
    real, whole, _, decay, homeo = params
    spikes, seen = scratch.spikes, scratch.seen
    heard = n_spikes = 0
    for t in range(ticks):
        for q in range(address.size):
            if address[q] >= 0 and when[q] == t:
                heard += inject(net, address[q], scratch.brought)
        n_spikes = tick(own, net, rule, learned, real, whole, decay, learn, scratch)
        if learn and heard and homeo[1] > 0.0:
            regulate(learned, homeo, spikes, n_spikes)
        if ticks > 1:
            for s in range(n_spikes):
                seen[spikes[s]] += seen[spikes[s]] < 255
    scratch.totals[1] += heard * net.input_targets.shape[1]
    if ticks > 1:
        return _count_seen(seen, neuron, count)
    for s in range(n_spikes):  # of a single tick they are known
        neuron[s], count[s] = spikes[s], 1
    return n_spikes


@kernel
def _count_seen(seen, neuron, count):
    """Who fired in several ticks and how often; nothing is left in ``seen``."""
    found = gather(seen, neuron)
    for s in range(found):
        count[s] = seen[neuron[s]]
        seen[neuron[s]] = 0
    return found


@kernel
def _first_bad(rows, address, when, gap, capacity, known, ticks):
    """The first event that may not be run, one more than there are where the arrays do not fit each other, or -1."""
    size = rows.size
    if gap.size != size or address.shape[0] != size or address.shape != when.shape or ticks < 1:
        return size
    for e in range(size):
        if rows[e] < 0 or rows[e] >= capacity or gap[e] < 0:
            return e
        for q in range(address.shape[1]):
            if address[e, q] >= known or address[e, q] < -1:
                return e
            if address[e, q] >= 0 and (when[e, q] < 0 or when[e, q] >= ticks):
                return e
    return -1


@njit(cache=True, nogil=True)
def drive(frame, rows, address, when, gap, start, ticks, learn, ptr, neuron, count):
    """Run events from ``start`` on until done or ``neuron`` is full; returns the next event, -1 - e for a bad one."""
    net, rule, learned, state, params = frame.arrays
    return _drive(
        net, rule, learned, state, params, frame.scratch, rows, address, when, gap, start, ticks, learn, ptr, neuron,
        count,
    )  # fmt: skip


@kernel
def _drive(
    net, rule, learned, state, params, scratch, rows, address, when, gap, start, ticks, learn, ptr, neuron, count
):
    membrane, current, adaptation, ages, traces = state
    if start == 0:
        known = net.input_targets.shape[0] + net.volleys.shape[0]
        bad = _first_bad(rows, address, when, gap, ages.shape[0], known, ticks)
        if bad >= 0:
            return -1 - bad
        ptr[0] = 0
        scratch.totals[:] = 0
    n, used = ages.shape[1], ptr[start]
    for e in range(start, rows.size):
        if used + n > neuron.size:
            return e
        row = rows[e]
        own = membrane[row], current[row], adaptation[row], ages[row], traces[row]
        if gap[e] > 0:
            settle(own, net, rule, learned, params, gap[e], learn, scratch)
        used += _answer(
            own, net, rule, learned, params, address[e], when[e], ticks, learn, scratch, neuron[used:], count[used:]
        )
        ptr[e + 1] = used
    return rows.size


@njit(cache=True, nogil=True)
def simulate(frame, row, ptr, address, start, learn, out_tick, out_neuron):
    """Run ticks from ``start`` on until done or the output is full; returns the next tick and the spikes written."""
    net, rule, learned, state, params = frame.arrays
    return _simulate(
        net, rule, learned, state, params, frame.scratch, row, ptr, address, start, learn, out_tick, out_neuron
    )


@kernel
def _simulate(net, rule, learned, state, params, scratch, row, ptr, address, start, learn, out_tick, out_neuron):
    real, whole, _, decay, homeo = params
    own = state[0][row], state[1][row], state[2][row], state[3][row], state[4][row]
    n, spikes = own[0].size, scratch.spikes
    used = 0
    for t in range(start, ptr.size - 1):
        if used + n > out_tick.size:
            return t, used
        for q in range(ptr[t], ptr[t + 1]):
            inject(net, address[q], scratch.brought)
        scratch.totals[1] += (ptr[t + 1] - ptr[t]) * net.input_targets.shape[1]
        n_spikes = tick(own, net, rule, learned, real, whole, decay, learn, scratch)
        if learn and homeo[1] > 0.0 and ptr[t + 1] > ptr[t]:
            regulate(learned, homeo, spikes, n_spikes)
        for s in range(n_spikes):
            out_tick[used] = t
            out_neuron[used] = spikes[s]
            used += 1
    return ptr.size - 1, used
