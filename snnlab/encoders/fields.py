"""Gaussian receptive fields, on a line and on a circle."""

import math

import numpy as np
from numba import njit

from snnlab.types import Array

__all__ = ["field_spikes"]


@njit(cache=True, nogil=True)
def field_spikes(
    places: Array, fields: int, active: int, overlap: float, ticks: int, circular: bool
) -> tuple[Array, Array, Array]:
    """The ``active`` fields nearest to each place in 0..1, nearest first; a field that fits better fires earlier.

    Field j is centred at j / (``fields`` - 1), or at j / ``fields`` on a circle, with a standard deviation of
    ``overlap`` distances between centres: g = exp(-d² / 2 ``overlap``²), and the spike comes in tick floor((1 - g) ·
    ``ticks``). Returns address [n, active], tick [n, active] and the nearest field [n].
    """
    n = places.shape[0]
    address = np.empty((n, active), dtype=np.int32)
    tick = np.zeros((n, active), dtype=np.int32)
    symbol = np.empty(n, dtype=np.int32)
    for i in range(n):
        at = places[i] * (fields if circular else fields - 1)
        nearest = math.floor(at + 0.5)
        symbol[i] = nearest % fields
        side = 1 if at >= nearest else -1
        field, step = nearest, 0
        for k in range(active):
            # nearest, then the other neighbours in turn: +1, -1, +2, -2 … from the side on which the place lies
            field = nearest + (side * ((step + 1) // 2) if step % 2 == 1 else -side * (step // 2))
            step += 1
            if not circular and (field < 0 or field >= fields):
                address[i, k] = -1
                continue
            address[i, k] = field % fields
            if ticks > 1:
                d = (at - field) / overlap
                tick[i, k] = min(int((1.0 - math.exp(-0.5 * d * d)) * ticks), ticks - 1)
    return address, tick, symbol
