"""Registered patterns: what the reservoir fired at an anomaly that someone has given a name to, recognised again."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from threading import Lock

import numpy as np
from jaxtyping import Float64

from snnlab.errors import StoreError
from snnlab.events.anomaly import Anomaly
from snnlab.logs import logger
from snnlab.serving.periodic import Periodic
from snnlab.stores import Pattern, Store

__all__ = ["PatternMemory", "cosine"]

_KEPT_S = 1.0  # how long patterns are believed: other replicas register and remove them, too
_FOLLOWED_S = 0.5  # between a follower's looks
_Known = list[tuple[Pattern, Float64[np.ndarray, " b"]]]


def cosine(a: Float64[np.ndarray, " b"], b: Float64[np.ndarray, " b"]) -> float:
    """Cosine of the angle between two firing patterns of ``b`` population buckets; 0 where one of them is silent.

    >>> round(cosine(np.array([1.0, 1.0]), np.array([1.0, 0.0])), 4)
    0.7071
    """
    lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / lengths if lengths > 0 else 0.0


class PatternMemory:
    """The patterns of a store, kept at hand: an anomaly that is like one is given its type, name and actions.

    An anomaly is like a pattern when the cosine of their ``spike_pattern`` reaches the pattern's own ``similarity``
    (in its metadata); among several, the most similar counts. Patterns of another number of buckets are not compared.

    With a ``follower`` at work no anomaly waits for the store, but the first of a model that is not ``ready``. While
    the store is away, what was known last counts.
    """

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._followed = False
        self._lock = Lock()
        self._known: dict[str, tuple[float, _Known]] = {}
        self._changes = 0

    def register(self, pattern: Pattern) -> None:
        """Keep a pattern; it counts from the next anomaly on, in other processes within a second."""
        self._store.put_pattern(pattern)
        self._changed()

    def forget(self, pattern_id: str) -> bool:
        """Remove a pattern, as soon; False where there is none of that id."""
        removed = self._store.delete_pattern(pattern_id)
        self._changed()
        return removed

    def follower(self) -> Periodic:
        """What reads the patterns on a thread of its own, to be started and stopped; from now on it is relied on."""
        self._followed = True
        return Periodic(self.refresh, _FOLLOWED_S, "patterns")

    def ready(self, model: str) -> None:
        """Have the patterns of a model at hand before its first anomaly, unless the store is away."""
        with suppress(StoreError):
            self._of(model)

    def refresh(self) -> None:
        """Read the patterns of the models that are known, as other replicas left them.

        Raises StoreError.
        """
        changes, now = self._changes, self._clock()
        known = _rates(self._store.patterns())
        for model in list(self._known):
            self._keep(model, changes, now, [one for one in known if one[0].model in {model, ""}])

    def _changed(self) -> None:
        with self._lock:
            self._changes += 1
        self.refresh()

    def recognise(self, anomalies: Sequence[Anomaly]) -> list[Anomaly]:
        """The anomalies, those like a pattern with its type and actions and a word on why."""
        return [self._recognised(anomaly) for anomaly in anomalies]

    def _recognised(self, anomaly: Anomaly) -> Anomaly:
        fired = np.asarray(anomaly.spike_pattern, dtype=np.float64)
        found: tuple[float, Pattern] | None = None
        for pattern, rates in self._of(anomaly.model):
            similarity = cosine(fired, rates) if len(fired) == len(rates) else 0.0
            if similarity >= pattern.metadata["similarity"] and (found is None or similarity > found[0]):
                found = similarity, pattern
        if found is None:
            return anomaly
        similarity, pattern = found
        actions = (*pattern.metadata["recommended_actions"], *anomaly.recommended_actions)
        told = f"like the pattern {pattern.name!r} (similarity {similarity:.2f})"
        return replace(
            anomaly,
            anomaly_type=pattern.anomaly_type,
            recommended_actions=tuple(dict.fromkeys(actions)),
            explanation=f"{anomaly.explanation}; {told}" if anomaly.explanation else told,
        )

    def _of(self, model: str) -> _Known:
        found = self._known.get(model)
        if found is None:
            return self._read(model)
        if self._followed or self._clock() - found[0] < _KEPT_S:
            return found[1]
        try:
            return self._read(model)
        except StoreError as error:
            logger("snnlab.serving").warning("patterns are those of before", model=model, reason=str(error))
            return found[1]

    def _read(self, model: str) -> _Known:
        changes, now = self._changes, self._clock()
        known = _rates(self._store.patterns(model=model))
        self._keep(model, changes, now, known)
        return known

    def _keep(self, model: str, changes: int, now: float, known: _Known) -> None:
        with self._lock:
            if changes == self._changes:  # else what was read may be older than what was registered meanwhile
                self._known[model] = now, known


def _rates(patterns: Sequence[Pattern]) -> _Known:
    return [(pattern, np.frombuffer(pattern.body, dtype="<f8")) for pattern in patterns]
