"""False alarms: flags on normal events, a day of stream time and a number of normal events."""

import numpy as np
from numpy.typing import ArrayLike

from snnlab.evaluation.metrics.labelled import checked, segments

__all__ = ["false_alarms_per_day", "false_alarms_per_events"]

DAY_US = 86_400e6


def false_alarms_per_day(flag: ArrayLike, label: ArrayLike, timestamps: ArrayLike, *, bursts: bool = False) -> float:
    """Flagged normal events a day between the first and the last timestamp (µs); NaN where no time passes.

    With ``bursts`` a run of flags on consecutive normal rows is one alarm, as an operator sees it.

    >>> day = 86_400_000_000
    >>> false_alarms_per_day([1, 1, 0, 1, 0], [0, 0, 0, 1, 0], [0, 1, 2, 3, 2 * day])
    1.0
    >>> false_alarms_per_day([1, 1, 0, 1, 0], [0, 0, 0, 1, 0], [0, 1, 2, 3, 2 * day], bursts=True)
    0.5
    """
    raw, truth = checked(flag, label)
    time = np.asarray(timestamps, np.float64)
    span = float(time.max() - time.min()) if len(time) else 0.0
    if not span:
        return float("nan")
    false = (raw > 0) & ~truth
    return float((len(segments(false)) if bursts else false.sum()) * DAY_US / span)


def false_alarms_per_events(flag: ArrayLike, label: ArrayLike, per: int = 2000) -> float:
    """Flagged normal events in every ``per`` normal events; NaN where no event is normal.

    >>> false_alarms_per_events([1, 0, 0, 0, 1], [0, 0, 0, 0, 1], per=2000)
    500.0
    """
    raw, truth = checked(flag, label)
    normal = int((~truth).sum())
    return float(((raw > 0) & ~truth).sum() * per / normal) if normal else float("nan")
