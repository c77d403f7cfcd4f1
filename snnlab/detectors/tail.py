"""The calibrated tail: how rare a value is, by peaks over a threshold.

Values above a high quantile exceed it by a generalised Pareto excess; its scale and shape come from the running mean
and variance of the excesses (method of moments), the shape drawn towards a prior. The score is -log10 of the tail
probability, so that 4 means one in ten thousand on every stream. Of a run of values beyond ``gate`` the first is learnt
and each further one half as much, down to ``absorb``: a long anomaly does not calibrate itself away, and what is merely
rare is not left out.

With few excesses the shape says nothing: a score is then bounded by what the number of events can support, so that the
first tiny step of a constant stream is not the rarest thing that ever happened.

Source: Siffer et al., Anomaly detection in streams with extreme value theory (KDD 2017); Hosking & Wallis 1987 for the
moments.
"""

import numpy as np
from jaxtyping import Float64

from snnlab.kernels import inlined, kernel
from snnlab.types import Arrays

__all__ = ["fresh_tail", "rarity", "rarity_of"]

_BUFFER = 64
_HALF = np.log10(2.0)
_CALM_SHARE = 0.05
_CALM_EDGE = -np.log10(_CALM_SHARE)
_STEEP = 4.0
_PRIOR_SHAPE = 0.2
_PRIOR_WEIGHT = 200.0
_CALM = 0.95
_TRUSTED = 5.0  # excesses from which their mean is a scale to clip by
_REACH = 4.0  # means of excess that an excess within a burst teaches at most
_FAR_REACH = 12.0  # means of excess that any other teaches at most


def fresh_tail() -> Arrays:
    """A tail that has seen nothing: its first values, and what is fitted to them and after.

    ``fit`` holds the threshold, the events, the excesses, their sum, their sum of squares, how many first values there
    are, the median, and how long the present burst is.
    """
    return {"first": np.zeros(_BUFFER), "fit": np.zeros(8)}


def rarity(
    values: Float64[np.ndarray, " n"],
    learnt: Arrays,
    *,
    quantile: float = 0.95,
    gate: float = 2.0,
    absorb: float = 0.005,
    learn: bool = True,
) -> Float64[np.ndarray, " n"]:
    """-log10 tail probability of each value before it is learnt; 0 while warming up.

    Below the threshold it runs through the median (0.3) and falls towards 0, so that order is kept everywhere.

    Example:
        >>> learnt = fresh_tail()
        >>> draws = np.random.default_rng(0).exponential(size=20_000)
        >>> _ = rarity(draws, learnt)
        >>> bool(3.0 < rarity(np.array([9.2]), learnt)[0] < 4.2)   # exp(-9.2) is one in ten thousand
        True
    """
    out = np.zeros_like(values)
    _rarity(values, learnt["first"], learnt["fit"], quantile, gate, absorb, learn, out)
    return out


@kernel
def _begin(first, fit, quantile):  # type: ignore[no-untyped-def]
    # The first values are needed for nothing else any more, so they are sorted where they are.
    for k in range(1, first.size):
        value, place = first[k], k
        while place > 0 and first[place - 1] > value:
            first[place] = first[place - 1]
            place -= 1
        first[place] = value
    fit[0] = first[int(quantile * (first.size - 1))]
    fit[6] = first[first.size // 2]
    for value in first:
        if value > fit[0]:
            fit[2] += 1.0
            fit[3] += value - fit[0]
            fit[4] += (value - fit[0]) ** 2


@inlined
def _score(value, fit):  # type: ignore[no-untyped-def]
    threshold, events, excesses, total, squares, _, median, _ = fit
    # A logarithm costs as much as all else here, and most values lie where the edge is known to be further up.
    share = (excesses + 1.0) / (events + 1.0)
    if value <= threshold:
        half = _HALF if share < 0.5 else -np.log10(share)
        reach = max(threshold - median, 1e-12 * (1.0 + abs(threshold)))
        if value <= median:
            return half * np.exp((value - median) / reach)
        # What is no excess is no rarer than the calm quantile, however few excesses there were: ties at the threshold.
        edge = _CALM_EDGE if share < _CALM_SHARE else -np.log10(share)
        return half + (edge - half) * (value - median) / reach
    known = max(excesses, 1.0)
    mean = max(total / known, 1e-12 * (1.0 + abs(threshold)))
    variance = max(squares / known - mean * mean, 0.0)
    shape = 0.5 * (1.0 - mean * mean / variance) if variance > 0.0 else 0.0
    shape = (excesses * shape + _PRIOR_WEIGHT * _PRIOR_SHAPE) / (excesses + _PRIOR_WEIGHT)
    shape = min(max(shape, 0.05), 0.45)
    scale = mean * (1.0 - shape)
    beyond = np.log1p(shape * (value - threshold) / scale) / shape / np.log(10.0)
    # An atom that the threshold has just slipped under is common, whatever the count of true excesses says.
    score = beyond + min(-np.log10(share), _CALM_EDGE + _STEEP * beyond)
    return min(score, np.log10(events + 1.0) + 300.0 * excesses * excesses / (excesses * excesses + 400.0))


@inlined
def _learn(value, score, fit, quantile, gate, absorb):  # type: ignore[no-untyped-def]
    # A burst teaches once: each further value beyond the gate counts half, until calm returns.
    share = 1.0
    if score > gate:
        share = max(0.5 ** fit[7], absorb)
        fit[7] += 1.0
    else:
        fit[7] *= _CALM
    fit[1] += share
    scale = fit[3] / max(fit[2], 1.0)
    above = value > fit[0]
    if above:
        # It teaches no more than one at the gate: anomalies taken in widen the tail slowly, however far they lie.
        excess = value - fit[0]
        if fit[2] >= _TRUSTED:
            excess = min(excess, (_FAR_REACH if share > 0.5 else _REACH) * scale)
        fit[2] += share
        fit[3] += share * excess
        fit[4] += share * excess * excess
    # Robbins and Monro (1951) hold the threshold at its quantile, and the median at the middle.
    pace = share * max(1.0 / (fit[1] + 1.0), 1e-5)
    fit[0] += pace * scale * ((1.0 if above else 0.0) - (1.0 - quantile)) / (1.0 - quantile)
    step = 5.0 * pace * max(fit[0] - fit[6], 1e-3 * scale)
    fit[6] = min(fit[6] + (step if value > fit[6] else -step), fit[0])


@inlined
def rarity_of(value, first, fit, quantile, gate, absorb, learn):  # type: ignore[no-untyped-def]
    """-log10 tail probability of one value; then, when ``learn``, the tail takes it in."""
    seen = int(fit[5])
    if seen < first.size:
        if learn:
            first[seen] = value
            fit[5] += 1.0
            fit[1] += 1.0
            if seen + 1 == first.size:
                _begin(first, fit, quantile)
        # Until there is a tail to fit: the value's rank among the first ones.
        above = 1.0
        for k in range(seen):
            above += first[k] >= value
        return -np.log10(above / (seen + 1.0))
    score = _score(value, fit)
    if learn:
        _learn(value, score, fit, quantile, gate, absorb)
    return score


@kernel
def _rarity(values, first, fit, quantile, gate, absorb, learn, out):  # type: ignore[no-untyped-def]
    for t in range(values.size):
        out[t] = rarity_of(values[t], first, fit, quantile, gate, absorb, learn)
