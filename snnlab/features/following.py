"""The clock of each entity, followed through a batch in which entities come again."""

import math

import numpy as np
from numba import njit

from snnlab.kernels import kernel
from snnlab.prefetch import ahead
from snnlab.types import Array

__all__ = ["follow", "follow_into"]

_UNSEEN = np.iinfo(np.int64).min


@njit(cache=True, nogil=True)
def follow(
    rows: Array, now_us: Array, last_us: Array, us_per_tick: float, cap: int, lateness_us: int
) -> tuple[Array, Array]:
    """Gap in ticks and lateness (0 on time, 1 late, 2 rejected) of ``n`` events in order.

    Moves ``last_us`` [e], the time of each row's last event, forward in place; ``us_per_tick`` is infinite where stream
    time does not count.
    """
    gap = np.empty(now_us.shape[0], dtype=np.int64)
    verdict = np.empty(now_us.shape[0], dtype=np.int8)
    follow_into(rows, now_us, last_us, us_per_tick, cap, lateness_us, gap, verdict)
    return gap, verdict


@kernel
def follow_into(
    rows: Array,
    now_us: Array,
    last_us: Array,
    us_per_tick: float,
    cap: int,
    lateness_us: int,
    gap: Array,
    verdict: Array,
) -> int:
    """As :func:`follow`, into arrays that are there; returns how many events are rejected."""
    rejected = 0
    for i in range(now_us.shape[0]):
        gap[i] = verdict[i] = 0
        ahead(last_us, rows, i)
        now, last = now_us[i], last_us[rows[i]]
        if last == _UNSEEN or now > last:
            last_us[rows[i]] = now
            if last != _UNSEEN:
                gap[i] = int(min(math.floor(now / us_per_tick) - math.floor(last / us_per_tick), cap))
        elif now < last:
            verdict[i] = 1 if last - now <= lateness_us else 2
            rejected += verdict[i] == 2
    return rejected
