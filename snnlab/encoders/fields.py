"""Gaussian receptive fields, on a line and on a circle."""

import math

import numpy as np
from numba import njit

from snnlab.kernels import inlined
from snnlab.types import Array

__all__ = ["field_spikes", "lay_fields"]


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
        symbol[i] = lay_fields(places[i], fields, active, overlap, ticks, address, tick, i, 0, circular=circular)
    return address, tick, symbol


@inlined
def lay_fields(place, fields, active, overlap, ticks, address, tick, row, seat, circular):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - inlined
    """The spikes of one place, from ``seat`` of a row on; returns the nearest field."""
    at = place * (fields if circular else fields - 1)
    nearest = math.floor(at + 0.5)
    side = 1 if at >= nearest else -1
    field = nearest
    for k in range(active):
        # nearest, then the other neighbours in turn: +1, -1, +2, -2 … from the side on which the place lies
        field = nearest + (side * ((k + 1) // 2) if k % 2 == 1 else -side * (k // 2))
        if not circular and (field < 0 or field >= fields):
            address[row, seat + k] = -1
            continue
        address[row, seat + k] = field % fields
        if ticks > 1:
            d = (at - field) / overlap
            tick[row, seat + k] = min(int((1.0 - math.exp(-0.5 * d * d)) * ticks), ticks - 1)
    return nearest % fields
