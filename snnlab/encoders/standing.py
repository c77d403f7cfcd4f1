"""Where a value stands among those before it: a running centre and spread, squashed to 0..1."""

import math

import numpy as np
from jaxtyping import Float64
from numba import njit

from snnlab.kernels import inlined
from snnlab.types import Array

__all__ = ["deviation_of", "fresh_range", "standing_of", "standings"]

_HUGE = 4e307  # differences of two clipped values still fit
_LIMIT = 30.0  # spreads beyond which a value teaches no more than one at the limit
_NORMAL = 1.2533141373155003  # standard deviation over mean absolute deviation of a Gaussian


def fresh_range() -> Float64[np.ndarray, " 3"]:
    """Values seen, their centre and their spread (mean absolute deviation): nothing yet."""
    return np.zeros(3)


@njit(cache=True, nogil=True)
def standings(values: Array, known: Array, reach: float, horizon: float, resolution: float, learn: bool) -> Array:
    """Standing of ``n`` values in order: 0.5 at the centre, 0 and 1 at ``reach`` standard deviations.

    u = 1/2 + asinh(z) / (2 asinh(reach)) with z = (x - m) / (1.2533 s): fine near the centre, logarithmic beyond. A
    value is one more witness of its own spread, so that after k values |z| stays below k + 1, whatever the step; a
    spread under ``resolution`` · |m| is taken for noise. Then m and s move by 1 / min(k, ``horizon``) of the way
    (``learn``), with a step limited to 30 spreads. Absolute deviations need no squares: nothing overflows at 1e300.
    ``known`` is (k, m, s), changed in place. The first value stands at 0.5.
    """
    out = np.empty(values.shape[0])
    half = 0.5 / math.asinh(reach)
    ranges = known.reshape(1, 3)
    for i in range(values.shape[0]):
        out[i] = standing_of(values[i], ranges, 0, half, horizon, resolution, learn)
    return out


@inlined
def standing_of(value, ranges, column, half, horizon, resolution, learn):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - inlined
    """:func:`standings` of one value, known by ``ranges[column]``; ``half`` is 1 / (2 asinh(reach))."""
    return min(max(0.5 + half * math.asinh(deviation_of(value, ranges, column, horizon, resolution, learn)), 0.0), 1.0)


@inlined
def deviation_of(value, ranges, column, horizon, resolution, learn):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - inlined
    """The z of :func:`standings`, for one value; then, when ``learn``, the range takes it in."""
    x = min(max(value, -_HUGE), _HUGE)
    k, m, s = ranges[column, 0], ranges[column, 1], ranges[column, 2]
    if k == 0.0:
        if learn:
            ranges[column, 0], ranges[column, 1] = 1.0, x
        return 0.0
    away = x - m
    spread = max(s, resolution * abs(m))
    witnessed = spread * (k / (k + 1.0)) + abs(away) / (k + 1.0)
    z = away / witnessed / _NORMAL if witnessed > 0.0 else 0.0
    if learn:
        bound = min(_LIMIT * spread, _HUGE) if s > 0.0 else _HUGE
        step = min(max(away, -bound), bound)
        ranges[column, 2] = s + (abs(step) - s) / min(k, horizon)
        ranges[column, 1] = m + step / min(k + 1.0, horizon)
        ranges[column, 0] = k + 1.0
    return z
