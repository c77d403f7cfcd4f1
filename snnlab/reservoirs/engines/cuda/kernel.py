"""The kernel of the CUDA engine: one block of threads runs one entity, all its ticks in one launch.

A tick has two phases. First warps add up what spikes bring, a warp for each row of synapses. Then each thread updates
neurons of its own, as :func:`..native.kernels.membranes` does, and lists those that fire and those whose spikes arrive
in the next tick. Sums are of whole numbers (:mod:`.plan`), so the order in which threads add does not matter: a
run gives the same spikes each time. A loop over every so many is a ``while``: a ``range`` begins with a division.
"""

from functools import cache
from math import floor
from typing import Any

import numpy as np
from numba import config, cuda, int32, int64

from snnlab.reservoirs.engines.cuda.learning import fall, follow_rate, forget_age, rise, strengthen, weaken

__all__ = ["ARRIVED", "HOMEOSTASIS", "MOST_THREADS", "NEXT", "STDP", "USED", "kernel_of", "pack", "places", "quantise"]

# ruff: noqa: ANN001, ANN201, ANN202 - the types of a kernel are those it is compiled for
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

NEXT, USED, ARRIVED = 3, 4, 5
"""Columns of a job after its network, first tick and ticks: the next tick, spikes that are out, that have arrived."""
HOMEOSTASIS, STDP = 1, 2
"""What a kernel learns by."""
MOST_THREADS = 512
"""Of a block: of more, each would have too few registers."""
_SHARED = 47 * 1024
"""Bytes of the 48 KiB of shared memory that every block may have: it counts in some, and newer cards keep one KiB."""
_NEVER = 65535
_BROUGHT = 8


def places(neurons: int, level: int) -> tuple[int, int]:
    """How many of the two sums of each neuron lie in shared memory, and the bytes; ``level`` is those of a level.

    >>> places(1000, 4), places(10_000, 4), places(10_000, 8)
    ((2, 12000), (1, 40000), (0, 0))
    """
    both, arriving = neurons * (_BROUGHT + level), neurons * level
    if both <= _SHARED:
        return 2, both
    return (1, arriving) if arriving <= _SHARED else (0, 0)


@cuda.jit(device=True)
def _add_rows(targets, levels, sources, begin, end, sums):
    """Add rows of synapses, one for each source: a warp takes a row, a thread every 32nd of its synapses."""
    warp, warps, lane = cuda.threadIdx.x >> 5, cuda.blockDim.x >> 5, cuda.threadIdx.x & 31
    s = begin + warp
    while s < end:
        source = sources[s]
        for k in range(lane, targets.shape[1], 32):
            cuda.atomic.add(sums, targets[source, k], levels[source, k])
        s += warps


@cuda.jit(device=True)
def _write(fired, count, tick, ticks, neurons):
    """Write the spikes of a tick by the neurons' numbers: one's place is how many come before it."""
    s = cuda.threadIdx.x
    while s < count:
        neuron, place = fired[s], 0
        for other in range(count):
            place += fired[other] < neuron
        ticks[place], neurons[place] = tick, neuron
        s += cuda.blockDim.x


@cuda.jit(device=True)
def _begin(age, lag, brought, arriving, due, counts, raised, now):
    """Nothing is summed yet; list the neurons whose spikes arrive in the first tick."""
    thread, threads = cuda.threadIdx.x, cuda.blockDim.x
    if thread == 0:
        counts[0, 0] = counts[0, 1] = counts[1, 0] = counts[1, 1] = raised[0] = raised[1] = 0
    cuda.syncthreads()
    for j in range(thread, age.size, threads):
        brought[j] = arriving[j] = 0
        if age[j] == lag - 1:
            due[cuda.atomic.add(counts, (0, now), 1)] = j
    cuda.syncthreads()


@cuda.jit(device=True)
def _update(own, net, brought, arriving, late, due, fired, counts, now, learn):
    """One tick of this thread's neurons. While synapses learn, who fires keeps the age before its spike."""
    v, i, a, age, traces = own
    bias, threshold, real, whole, keeps, homeostat = net[4], net[5], net[6], net[7], net[8], net[9]
    kind = v.dtype.type
    membrane, to_membrane, to_bias, synapse, adaptation = real[0], real[1], real[2], real[3], real[4]
    theta, reset, step, zero, tiny = real[5], real[6], real[7], real[13], real[14]
    gain, scale, one, pool = kind(homeostat[0]), real[15], real[16], real[8] * kind(late)
    at_once, as_current = real[11] * gain, real[12] * gain
    refractory, lag = whole[0], whole[1]
    j = cuda.threadIdx.x
    while j < v.size:
        older = min(int64(age[j]) + 1, _NEVER)
        active = older > refractory
        given = kind(brought[j])
        v_in, i_in = v[j] + at_once * given, i[j] + as_current * given
        potential = membrane * v_in + to_membrane * i_in + to_bias * bias[j]
        potential = potential if active else v[j]
        held = adaptation * a[j]
        held = held if held > tiny else zero
        spike = active and potential >= theta + threshold[j] + held
        kept = synapse * i_in + (scale * kind(arriving[j]) - pool)
        i[j] = kept if abs(kept) > tiny else zero
        potential = potential if abs(potential) > tiny else zero
        v[j] = reset if spike else potential
        a[j] = held + (step if spike else zero)
        age[j] = 0 if spike and learn < STDP else older
        brought[j] = arriving[j] = 0
        for q in range(traces.shape[0]):
            traces[q, j] = keeps[q] * (traces[q, j] + (one if spike else zero))
        if spike:
            fired[cuda.atomic.add(counts, (1, now), 1)] = j
        if (0 if spike else older) == lag - 1:
            due[cuda.atomic.add(counts, (0, 1 - now), 1)] = j
        j += cuda.blockDim.x


@cuda.jit(device=True)
def _learn(net, rule, age, fired, count, heard, raised, learn):
    """Learn from a tick in which these fired, by STDP if so told, and by homeostasis where input was ``heard``."""
    targets, levels, threshold, homeostat, homeo = net[0], net[1], net[5], net[9], rule[8]
    regulated = heard and homeo[1] > 0.0
    if learn == STDP:
        strengthen(rule, levels, age, fired, count)
    if regulated:
        fall(threshold, homeo, raised)
    cuda.syncthreads()
    if learn == STDP:
        weaken(rule, levels, targets, age, fired, count)
    if regulated:
        rise(threshold, homeo, fired, count)
        follow_rate(homeostat, homeo, count / threshold.size, raised)
    cuda.syncthreads()
    if learn == STDP:
        forget_age(age, fired, count)


@cuda.jit(device=True)
def _run(net, rule, raster, own, sums, lists, out, job, learn):
    """Ticks of one entity, from the next one on, until it is done or its output is full."""
    targets, levels, input_targets, input_levels = net[0], net[1], net[2], net[3]
    ptr, address = raster
    brought, arriving = sums
    due, fired = lists
    ticks_out, neurons_out = out
    counts = cuda.shared.array((2, 2), int32)
    raised = cuda.shared.array(2, int32)
    age, first, ticks, t, used, arrived = own[3], job[1], job[2], job[NEXT], 0, job[ARRIVED]
    _begin(age, net[7][1], brought, arriving, due[t & 1], counts, raised, t & 1)
    while t < ticks and used + age.size <= neurons_out.size:
        now, begin, end = t & 1, ptr[first + t], ptr[first + t + 1]
        late = counts[0, now]
        if cuda.threadIdx.x == 0:  # what nobody reads before the threads have met
            counts[0, 1 - now] = counts[1, now] = 0
        _add_rows(targets, levels, due[now], 0, late, arriving)
        _add_rows(input_targets, input_levels, address, begin, end, brought)
        cuda.syncthreads()
        _update(own, net, brought, arriving, late, due[1 - now], fired[now], counts, now, learn)
        cuda.syncthreads()
        spiked = counts[1, now]
        if learn > 0:
            _learn(net, rule, age, fired[now], spiked, end > begin, raised, learn)
        _write(fired[now], spiked, t, ticks_out[used:], neurons_out[used:])
        used, arrived, t = used + spiked, arrived + late, t + 1
    cuda.syncthreads()
    if cuda.threadIdx.x == 0:
        job[NEXT], job[USED], job[ARRIVED] = t, used, arrived


@cuda.jit
def pack(outs, ends, packed):
    """Put the spikes of the jobs behind one another: a block moves those of a job."""
    job, at = cuda.blockIdx.x, cuda.threadIdx.x
    begin = ends[job]
    while begin + at < ends[job + 1]:
        packed[0, begin + at], packed[1, begin + at] = outs[0][job, at], outs[1][job, at]
        at += cuda.blockDim.x


@cuda.jit
def quantise(weights, to_level, half, levels):
    """Weights in whole levels, the nearest, of one network: a block takes a row."""
    i, k = cuda.blockIdx.x, cuda.threadIdx.x
    while k < weights.shape[2]:
        levels[0, i, k] = floor(weights[0, i, k] * to_level + half)
        k += cuda.blockDim.x


@cache
def kernel_of(place: int, level: Any, learn: int = 0) -> Any:  # noqa: ANN401 - numba has no types
    """The kernel for so many sums in shared memory (see :func:`places`), of levels of this type of numba's.

    ``learn`` is 0, :data:`HOMEOSTASIS` or :data:`STDP`, which includes the former.
    """
    first = _BROUGHT // np.dtype(str(level)).itemsize  # where the second sums begin, in levels a neuron

    @cuda.jit(**({} if config.ENABLE_CUDASIM else {"launch_bounds": MOST_THREADS}))  # unknown to the simulator
    def run(nets, rules, raster, states, sums, lists, outs, jobs):
        """A block runs a job."""
        at, job = cuda.blockIdx.x, jobs[cuda.blockIdx.x]
        of = job[0]
        own = states[0][at], states[1][at], states[2][at], states[3][at], states[4][at]
        n = own[0].size
        brought, arriving = sums[0][at], sums[1][at]
        if place == 2:
            brought = cuda.shared.array(0, int64)[:n]
            arriving = cuda.shared.array(0, level)[first * n : (first + 1) * n]
        elif place == 1:
            arriving = cuda.shared.array(0, level)[:n]
        net = (
            nets[0][of], nets[1][of], nets[2][of], nets[3][of], nets[4][of], nets[5][of], nets[6][of], nets[7][of],
            nets[8][of], nets[9][of],
        )  # fmt: skip
        by = of if learn else 0
        rule = (
            rules[0][by], rules[1][by], rules[2][by], rules[3][by], rules[4][by], rules[5][by], rules[6][by],
            rules[7][by], rules[8][by],
        )  # fmt: skip
        lists_out = (lists[0][at], lists[1][at]), (outs[0][at], outs[1][at])
        _run(net, rule, raster, own, (brought, arriving), lists_out[0], lists_out[1], job, learn)

    return run
