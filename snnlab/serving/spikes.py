"""How the networks of a service fire: watched only while somebody watches, so that nobody else pays for it.

The process that scores events sums them up, a tenth of a second at a time, and every watcher is given the same sums:
those of this process, and those of other replicas that ask for them.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from jaxtyping import Float64

from snnlab.detectors import Verdicts

__all__ = ["Firing", "Spikes", "Watch"]

_WAITING = 1000  # sums that wait for a watcher; who is further behind misses the oldest


@dataclass(frozen=True)
class Firing:
    """How a network fired at the events of one replica: mean rates by population bucket, and those of the last event.

    A rate is the share of a bucket's neurons that an event made fire, 0..1, as in an anomaly's ``spike_pattern``.
    ``sequence`` counts what the replica has told of the model since it started.
    """

    model: str
    stream: str
    replica: str
    sequence: int
    events: int
    event_id: str
    timestamp: int
    rates: list[float]
    spike_pattern: list[float]


@dataclass(eq=False)
class Watch:
    """One watcher of a model: what it has not taken yet."""

    model: str
    waiting: deque[Firing] = field(default_factory=lambda: deque(maxlen=_WAITING))

    def take(self) -> list[Firing]:
        """What came since the last look, in order."""
        taken = []
        while self.waiting:
            taken.append(self.waiting.popleft())
        return taken


@dataclass
class _Sum:
    """Events of a stream since a time."""

    begun: float
    total: Float64[np.ndarray, " b"]
    last: Verdicts
    events: int = 0


class Spikes:
    """Who watches which model, and what was not told yet. ``every_s`` is how long events are summed up."""

    def __init__(
        self, replica: str = "here", every_s: float = 0.1, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.every_s = every_s
        self._replica = replica
        self._clock = clock
        self._lock = Lock()
        self._watches: dict[str, tuple[Watch, ...]] = {}
        self._sums: dict[tuple[str, str], _Sum] = {}
        self._told = 0

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
                self._sums = {key: one for key, one in self._sums.items() if key[0] != watch.model}

    def tell(self, model: str, stream: str, verdicts: Verdicts) -> None:
        """Count a batch for those who watch its model."""
        if model not in self._watches or not len(verdicts):
            return
        total = verdicts.pattern.sum(axis=0, dtype=np.float64)
        with self._lock:
            one = self._sums.get((model, stream))
            if one is None:
                one = self._sums[model, stream] = _Sum(self._clock(), np.zeros_like(total), verdicts)
            one.total, one.last, one.events = one.total + total, verdicts, one.events + len(verdicts)

    def pulse(self, model: str) -> None:
        """Give every watcher of a model the sums that are old enough; whoever watches calls it now and then."""
        with self._lock:
            due = [key for key, one in self._sums.items() if key[0] == model and self._old(one)]
            for key in sorted(due):
                firing = self._firing(key, self._sums.pop(key))
                for watch in self._watches.get(model, ()):
                    watch.waiting.append(firing)

    def _old(self, one: _Sum) -> bool:
        return self._clock() - one.begun >= self.every_s

    def _firing(self, key: tuple[str, str], one: _Sum) -> Firing:
        self._told += 1
        return Firing(
            model=key[0],
            stream=key[1],
            replica=self._replica,
            sequence=self._told,
            events=one.events,
            event_id=one.last.event_id[-1],
            timestamp=int(one.last.timestamp[-1]),
            rates=np.round(one.total / one.events, 6).tolist(),
            spike_pattern=one.last.pattern[-1].tolist(),
        )
