"""Learning on CUDA: STDP and homeostasis, as :mod:`...plasticity` has them, of a network that one block runs alone.

Within a phase no two threads write to one synapse: first the neurons that fired as targets, a column each, then as
sources, a row each.
"""

from math import exp, floor

from numba import cuda

__all__ = ["fall", "follow_rate", "forget_age", "rise", "strengthen", "weaken"]

# ruff: noqa: ANN001, ANN201 - the types of a kernel are those it is compiled for
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"


@cuda.jit(device=True)
def strengthen(rule, levels, age, fired, count):
    """Spikes as targets: a warp takes a neuron, a thread every 32nd of the synapses that learn there."""
    weights, ltp, numbers, ptr, source, slot = rule[0], rule[1], rule[3], rule[5], rule[6], rule[7]
    w_max, to_level, half = numbers[0], numbers[1], numbers[2]
    s, last = cuda.threadIdx.x >> 5, ltp.size - 1
    while s < count:
        for q in range(ptr[fired[s]] + (cuda.threadIdx.x & 31), ptr[fired[s] + 1], 32):
            i, k = source[q], slot[q]
            weight = min(weights[i, k] + ltp[min(age[i], last)], w_max)
            weights[i, k], levels[i, k] = weight, floor(weight * to_level + half)
        s += cuda.blockDim.x >> 5


@cuda.jit(device=True)
def weaken(rule, levels, targets, age, fired, count):
    """Spikes as sources: a warp takes a row, a thread every 32nd of its synapses."""
    weights, ltd, numbers, excitatory = rule[0], rule[2], rule[3], rule[4]
    to_level, half, zero = numbers[1], numbers[2], numbers[3]
    s, last = cuda.threadIdx.x >> 5, ltd.size - 1
    while s < count:
        i = fired[s]
        if excitatory[i]:
            for k in range(cuda.threadIdx.x & 31, targets.shape[1], 32):
                weight = max(weights[i, k] - ltd[min(age[targets[i, k]], last)], zero)
                weights[i, k], levels[i, k] = weight, floor(weight * to_level + half)
        s += cuda.blockDim.x >> 5


@cuda.jit(device=True)
def forget_age(age, fired, count):
    """Those that fired are as young as can be, once synapses have learnt from the ages before."""
    s = cuda.threadIdx.x
    while s < count:
        age[fired[s]] = 0
        s += cuda.blockDim.x


@cuda.jit(device=True)
def fall(threshold, homeo, raised):
    """Thresholds of this thread's neurons fall a little; count those above their first value, and above the lowest."""
    kind = threshold.dtype.type
    down, lowest, zero = kind(homeo[2]), kind(homeo[3]), kind(0)
    j, high, free = cuda.threadIdx.x, 0, 0
    while j < threshold.size:
        threshold[j] = max(threshold[j] - down, lowest)
        high += 1 if threshold[j] > zero else 0
        free += 1 if threshold[j] > lowest else 0
        j += cuda.blockDim.x
    cuda.atomic.add(raised, 0, high)
    cuda.atomic.add(raised, 1, free)


@cuda.jit(device=True)
def rise(threshold, homeo, fired, count):
    """Thresholds rise where a neuron fired."""
    kind = threshold.dtype.type
    step, highest = kind(homeo[1]) + kind(homeo[2]), kind(homeo[4])
    s = cuda.threadIdx.x
    while s < count:
        threshold[fired[s]] = min(threshold[fired[s]] + step, highest)
        s += cuda.blockDim.x


@cuda.jit(device=True)
def follow_rate(homeostat, homeo, rate, raised):
    """The input's gain, by one thread: see :func:`...plasticity.kernels.regulate_gain`."""
    if cuda.threadIdx.x == 0:
        target, gain_rate = homeo[0], homeo[5]
        homeostat[1] += 0.02 * (rate - homeostat[1])
        if homeostat[1] > 2.0 * target:
            homeostat[0] *= exp(-gain_rate * min(homeostat[1] / (2.0 * target), 8.0))
        elif homeostat[1] < 0.75 * target:
            homeostat[0] *= exp(gain_rate)
        share = raised[0] / raised[1] if raised[1] > 0 else 0.0
        homeostat[0] *= 1.0 - 0.1 * gain_rate * (2.0 * share - 1.0)
        homeostat[0] = min(max(homeostat[0], 1e-4), homeo[6])
        raised[0] = raised[1] = 0
