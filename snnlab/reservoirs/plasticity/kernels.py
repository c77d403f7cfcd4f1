"""Compiled homeostasis: the equations of :mod:`.homeostasis`, one tick at a time."""

from math import exp

from snnlab.kernels import kernel

__all__ = ["regulate_gain", "regulate_thresholds"]


@kernel
def regulate_thresholds(threshold, spikes, n_spikes, up, down, lowest, highest):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Thresholds fall a little and rise where a neuron fired; returns how many of them are above their first value.

    That is a share of those above the lowest: a neuron that rests there is reached by no input, whatever its gain.
    """
    raised, free = 0, 0
    zero = threshold.dtype.type(0)
    for j in range(threshold.size):
        threshold[j] = max(threshold[j] - down, lowest)
        raised += threshold[j] > zero
        free += threshold[j] > lowest
    step = up + down
    for s in range(n_spikes):
        threshold[spikes[s]] = min(threshold[spikes[s]] + step, highest)
    return raised / free if free else 0.0


@kernel
def regulate_gain(homeostat, rate, target, gain_rate, limit, raised):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """The input's gain follows the mean rate while that is far from its target, and relieves raised thresholds."""
    homeostat[1] += 0.02 * (rate - homeostat[1])
    if homeostat[1] > 2.0 * target:
        homeostat[0] *= exp(-gain_rate * min(homeostat[1] / (2.0 * target), 8.0))
    elif homeostat[1] < 0.75 * target:
        homeostat[0] *= exp(gain_rate)
    homeostat[0] *= 1.0 - 0.1 * gain_rate * (2.0 * raised - 1.0)
    homeostat[0] = min(max(homeostat[0], 1e-4), limit)
