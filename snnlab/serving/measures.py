"""What the service counts by model: latencies in a histogram, firing that forgets, and how far behind a stream is."""

import math
from bisect import bisect_left
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Float64

__all__ = ["LATENCY_BUCKETS", "Behind", "Latency", "Utilization"]

LATENCY_BUCKETS = (0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0)
"""Upper bounds of the latency histogram in seconds."""

_LATELY_S = 60.0


@dataclass
class Latency:
    """Counts by bucket, not yet cumulated; the last bucket has no upper bound.

    >>> latency = Latency()
    >>> for seconds in (0.0003, 0.0004, 0.09):
    ...     latency.observe(seconds)
    >>> latency.quantile(0.5), latency.quantile(0.99)
    (0.0005, 0.1)
    """

    counts: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BUCKETS) + 1))
    total: float = 0.0

    def observe(self, seconds: float) -> None:
        """Count one batch."""
        self.counts[bisect_left(LATENCY_BUCKETS, seconds)] += 1
        self.total += seconds

    def quantile(self, q: float) -> float | None:
        """The upper bound of the bucket that holds quantile ``q``; None before the first batch, or past the last."""
        rank, seen = q * sum(self.counts), 0
        for bound, count in zip((*LATENCY_BUCKETS, None), self.counts, strict=True):
            seen += count
            if seen and seen >= rank:
                return bound
        return None

    def cumulated(self) -> list[tuple[str, float]]:
        """Upper bounds as Prometheus writes them, with the batches at or below each."""
        bounds = [*map(str, LATENCY_BUCKETS), "+Inf"]
        return [(bound, float(sum(self.counts[: row + 1]))) for row, bound in enumerate(bounds)]


@dataclass
class Utilization:
    """Share of the neurons that an event makes fire, by population bucket: a mean that forgets within about a minute.

    ``at`` is when it began, in seconds, and ``event_s`` the network time of an event's input.

    >>> fired = Utilization(at=0.0)
    >>> fired.observe(np.array([0.5, 0.1]), events=10, now=1.0)
    >>> fired.by_bucket.tolist(), fired.percent, fired.rate_hertz
    ([50.0, 10.0], 30.0, 300.0)
    """

    at: float
    weight: float = 0.0
    total: Float64[np.ndarray, " b"] = field(default_factory=lambda: np.zeros(1))
    event_s: float = 0.001

    def observe(self, shares: Float[np.ndarray, " b"], events: int, now: float) -> None:
        """Count ``events`` whose mean shares by bucket, 0..1, are given."""
        fade = math.exp((self.at - now) / _LATELY_S)
        self.at = now
        self.weight = self.weight * fade + events
        self.total = self.total * fade + shares * events

    @property
    def by_bucket(self) -> Float64[np.ndarray, " b"]:
        """Percent by bucket."""
        return 100.0 * self.total / self.weight if self.weight > 0 else np.zeros_like(self.total)

    @property
    def percent(self) -> float:
        """Percent of all neurons."""
        return float(self.by_bucket.mean())

    @property
    def rate_hertz(self) -> float:
        """Mean firing rate while the network is driven."""
        return self.percent / 100.0 / self.event_s


@dataclass(frozen=True)
class Behind:
    """How far a model is behind a stream: see the metrics of these names. NaN is what the bus did not tell."""

    backlog_messages: float = math.nan
    lag_s: float = math.nan
    checkpoint_age_s: float = 0.0
    failing: bool = False
