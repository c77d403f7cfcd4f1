"""Delta code: spikes where a value moves, silence where it stands still."""

import math
from typing import ClassVar

import numpy as np
from jaxtyping import Float64
from numba import njit
from pydantic import Field

from snnlab.encoders.base import Encoder, Spikes, finite
from snnlab.types import Array, Arrays

__all__ = ["Delta"]


class Delta(Encoder):
    """Send-on-delta with ON and OFF neurons whose thresholds double from level to level.

    A value is compared with the last one that was sent. Once it has moved by ``step`` mean absolute changes, ON (up) or
    OFF (down) neuron l fires for each level l with |Δ| ≥ ``step`` · s · 2^l, the highest first, and the value becomes
    the reference. Neurons 0..levels-1 are OFF (strongest first), ``levels`` + 1 … 2 ``levels`` are ON (weakest
    first); neuron ``levels`` never fires: it is the symbol of standing still.

    One encoder follows one line of values: over many entities, give it the ``change`` aggregate and
    ``differenced=True``, where each value is itself the move. Motion slower than ``step`` is sent late, all at once.

    Args:
        levels: ON and OFF neurons each.
        step: the smallest move that is sent, in running mean absolute changes.
        differenced: the values are moves already.
        horizon: values over which the mean absolute change is remembered.
        resolution: moves below this part of the value's size are noise.

    Source: Miskowicz, Send-on-delta concept: an event-based data reporting strategy, Sensors 6, 2006.

    >>> code = Delta(levels=3)
    >>> code.encode(np.array([5.0, 5.0, 6.0, 5.0, 5.1, 9.0]), code.fresh()).symbol.tolist()
    [3, 3, 5, 2, 3, 5]
    """

    kind: ClassVar[str] = "delta"

    levels: int = Field(default=5, ge=1, le=64)
    step: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    differenced: bool = False
    horizon: int = Field(default=5000, ge=1)
    resolution: float = Field(default=1e-6, ge=0, allow_inf_nan=False)

    @property
    def width(self) -> int:
        """OFF, still and ON neurons."""
        return 2 * self.levels + 1

    def fresh(self) -> Arrays:
        """``range`` [4]: moves seen, mean absolute move, last value, reference (the last value sent)."""
        return {"range": np.zeros(4)}

    def encode(
        self, values: Float64[np.ndarray, " n"], learnt: Arrays, *, learn: bool = True, ticks: int = 1
    ) -> Spikes:
        """Spikes of ``n`` values, at most ``levels`` each. Raises EventError on a value that is not finite.

        With ``learn=False`` the mean absolute move stands still; the reference follows the values all the same.
        """
        return Spikes(
            *_delta_spikes(
                finite(values), learnt["range"], self.levels, self.step, self.differenced, float(self.horizon),
                self.resolution, learn, ticks,
            )
        )  # fmt: skip


@njit(cache=True, nogil=True)
def _delta_spikes(
    values: Array,
    known: Array,
    levels: int,
    step: float,
    differenced: bool,
    horizon: float,
    resolution: float,
    learn: bool,
    ticks: int,
) -> tuple[Array, Array, Array]:
    n = values.shape[0]
    address = np.full((n, levels), -1, dtype=np.int32)
    tick = np.zeros((n, levels), dtype=np.int32)
    symbol = np.full(n, levels, dtype=np.int32)
    k, scale, last, reference = known[0], known[1], known[2], known[3]
    for i in range(n):
        x = min(max(values[i], -4e307), 4e307)
        if k == 0.0 and not differenced:
            k, last, reference = 1.0, x, x
            continue
        move = x if differenced else x - reference
        size = abs(move)
        # a move is one more witness of the scale: the first one is never more than one level
        floor = max(scale, resolution * abs(reference))
        unit = step * (floor * (k / (k + 1.0)) + size / (k + 1.0))
        if size >= unit > 0.0:
            level = min(int(math.log2(size / unit)), levels - 1)
            for rank in range(level + 1):
                at = levels + 1 + level - rank if move > 0.0 else levels - 1 - level + rank
                address[i, rank] = at
                tick[i, rank] = min(rank, ticks - 1)
            symbol[i] = address[i, 0]
            reference = reference if differenced else x
        change = size if differenced else abs(x - last)
        if learn:
            bounded = min(change, 30.0 * scale) if scale > 0.0 else change
            scale += (bounded - scale) / min(max(k, 1.0), horizon)
            k += 1.0
        last = x
    known[0], known[1], known[2], known[3] = k, scale, last, reference
    return address, tick, symbol
