"""How the networks of a service fire: watched only while somebody watches, so that nobody else pays for it."""

from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from jaxtyping import Float64

from snnlab.detectors import Verdicts

__all__ = ["Firing", "Spikes", "Watch"]


@dataclass(frozen=True)
class Firing:
    """How a network fired at the events since the last look: mean rates by population bucket, and those of the last.

    A rate is the share of a bucket's neurons that an event made fire, 0..1, as in an anomaly's ``spike_pattern``.
    """

    model: str
    stream: str
    events: int
    event_id: str
    timestamp: int
    rates: list[float]
    spike_pattern: list[float]


@dataclass
class Watch:
    """One watcher's sum over the events of a stream since its last look."""

    model: str
    _sums: dict[str, tuple[int, Float64[np.ndarray, " b"], Verdicts]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def add(self, stream: str, verdicts: Verdicts) -> None:
        """Count a batch."""
        total = verdicts.pattern.sum(axis=0, dtype=np.float64)
        with self._lock:
            events, before, _ = self._sums.get(stream, (0, np.zeros_like(total), verdicts))
            self._sums[stream] = events + len(verdicts), before + total, verdicts

    def take(self) -> list[Firing]:
        """What came since the last look, by stream; nothing where no event did."""
        with self._lock:
            sums, self._sums = self._sums, {}
        return [
            Firing(
                model=self.model,
                stream=stream,
                events=events,
                event_id=last.event_id[-1],
                timestamp=int(last.timestamp[-1]),
                rates=np.round(total / events, 6).tolist(),
                spike_pattern=last.pattern[-1].tolist(),
            )
            for stream, (events, total, last) in sorted(sums.items())
        ]


class Spikes:
    """Who watches which model."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._watches: dict[str, tuple[Watch, ...]] = {}

    def watch(self, model: str) -> Watch:
        """Watch a model from now on."""
        watch = Watch(model)
        with self._lock:
            self._watches[model] = (*self._watches.get(model, ()), watch)
        return watch

    def leave(self, watch: Watch) -> None:
        """Watch no more."""
        with self._lock:
            left = tuple(other for other in self._watches.get(watch.model, ()) if other is not watch)
            if left:
                self._watches[watch.model] = left
            else:
                self._watches.pop(watch.model, None)

    def tell(self, model: str, stream: str, verdicts: Verdicts) -> None:
        """Show those who watch a model how it fired."""
        for watch in self._watches.get(model, ()):
            if len(verdicts):
                watch.add(stream, verdicts)
