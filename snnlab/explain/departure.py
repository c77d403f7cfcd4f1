"""Departures: how far a feature of one event lies from what its entity has shown before."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from snnlab.errors import ConfigError
from snnlab.events import EventBatch

__all__ = ["Departure", "departures"]

HOUR_US, DAY_US = 3_600_000_000, 86_400_000_000
ENOUGH = 30
"""Past events below which a comparison says nothing."""


@dataclass(frozen=True)
class Departure:
    """A feature's ``value`` against its ``usual`` value and ``deviation`` over ``events`` past events.

    ``reference`` says which past: "at this hour" (the entity's own events within an hour of the same time of day),
    "lately" (its own last events), or "in this stream" (of all entities, where it has too few of its own).
    """

    feature: str
    value: float
    usual: float
    deviation: float
    events: int
    reference: str

    @property
    def strength(self) -> float:
        """Deviations above (positive) or below the usual value; capped at 1000, as after a constant past."""
        size = abs(self.value - self.usual)
        ratio = size / self.deviation if self.deviation > 0 else (1000.0 if size else 0.0)
        return float(np.copysign(min(ratio, 1000.0), self.value - self.usual))


def departures(batch: EventBatch, row: int, history: int = 2000) -> tuple[Departure, ...]:
    """Departures of every numeric column in ``row`` of ``batch``, the largest first; only rows before it are read.

    The usual value is the median and the deviation 1.4826 times the median absolute deviation (the standard deviation
    where that is 0), over at most ``history`` events. Empty where fewer than 30 events came before.

    Raises:
        ConfigError: there is no such row.

    >>> values = np.r_[np.tile([1.0, 2.0, 3.0], 20), 9.0][:, None]
    >>> far = departures(EventBatch.from_columns(values, ["latency_ms"]), 60)[0]
    >>> far.usual, round(far.strength, 2), far.reference
    (2.0, 4.72, 'at this hour')
    """
    if not 0 <= row < len(batch):
        raise ConfigError(f"there is no event in row {row}; rows are 0 to {len(batch) - 1}")
    past, reference = _reference(batch, row)
    rows = np.flatnonzero(past)[-history:]
    if len(rows) < ENOUGH:
        return ()
    values, now = batch.values[rows], batch.values[row]
    usual = np.median(values, axis=0)
    deviation = 1.4826 * np.median(np.abs(values - usual), axis=0)
    deviation = np.where(deviation > 0, deviation, values.std(axis=0))
    found = [
        Departure(name, float(now[f]), float(usual[f]), float(deviation[f]), len(rows), reference)
        for f, name in enumerate(batch.names)
    ]
    return tuple(sorted(found, key=lambda part: -abs(part.strength)))


def _reference(batch: EventBatch, row: int) -> tuple[Bool[np.ndarray, " n"], str]:
    """The narrowest past with enough events, and its name."""
    codes = batch.entities.codes
    before = np.arange(len(batch)) < row
    own = before & (codes == codes[row])
    apart = np.abs(batch.timestamps - batch.timestamps[row]) % DAY_US
    at_hour = own & (np.minimum(apart, DAY_US - apart) <= HOUR_US)
    if at_hour.sum() >= ENOUGH:
        return at_hour, "at this hour"
    return (own, "lately") if own.sum() >= ENOUGH else (before, "in this stream")
