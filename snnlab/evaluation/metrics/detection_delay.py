"""Detection delay: how long after a true run begins the first flag inside it comes."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from numpy.typing import ArrayLike

from snnlab.evaluation.metrics.labelled import checked, segments

__all__ = ["Delay", "detection_delay"]


@dataclass(frozen=True)
class Delay:
    """Delays of the runs of truth: ``seconds`` and ``events`` from first row to first flag, NaN for a missed run."""

    seconds: Float64[np.ndarray, " s"]
    events: Float64[np.ndarray, " s"]

    @property
    def runs(self) -> int:
        """True runs."""
        return len(self.seconds)

    @property
    def found(self) -> int:
        """True runs with at least one flag in them."""
        return int((~np.isnan(self.seconds)).sum())

    @property
    def median_seconds(self) -> float:
        """Median delay of the runs that were found, in seconds; NaN where none was."""
        return float(np.nanmedian(self.seconds)) if self.found else float("nan")

    @property
    def median_events(self) -> float:
        """Median delay of the runs that were found, in events; NaN where none was."""
        return float(np.nanmedian(self.events)) if self.found else float("nan")


def detection_delay(flag: ArrayLike, label: ArrayLike, timestamps: ArrayLike | None = None) -> Delay:
    """Delay of each run of ``label``, rows in time order; ``timestamps`` in µs (a second a row without them).

    Raises:
        DataError: flags and labels do not fit each other.

    >>> delay = detection_delay([0, 0, 0, 1, 0, 0], [0, 1, 1, 1, 0, 1], [0, 10e6, 20e6, 35e6, 40e6, 50e6])
    >>> delay.seconds.tolist(), delay.found, delay.median_events
    ([25.0, nan], 1, 2.0)
    """
    raw, truth = checked(flag, label)
    runs = segments(truth)
    time = np.arange(len(raw)) * 1e6 if timestamps is None else np.asarray(timestamps, np.float64)
    hits = np.r_[np.flatnonzero(raw > 0), len(raw)]
    first = hits[np.searchsorted(hits, runs[:, 0])]
    inside = first <= runs[:, 1]
    at = np.where(inside, first, runs[:, 0])
    seconds = np.where(inside, (time[at] - time[runs[:, 0]]) / 1e6, np.nan)
    return Delay(seconds, np.where(inside, at - runs[:, 0], np.nan).astype(np.float64))
