"""Absence: an entity's silence against the habit of its own gaps.

Events teach how long an entity is usually silent: the leaky mean and variance of the time between its moments. A
silence is as rare as the tail of the gamma distribution of that mean and variance says: exponential for events that
come by chance, sharp for a beat that is kept. No beat is taken for sharper than a quarter of itself, and an entity has
no habit before it has shown 20 gaps. A night that comes again is part of the habit: its gaps widen the variance.

Source: Wilson & Hilferty, The distribution of chi-square (PNAS 17, 1931), for the gamma tail; West (CACM 22, 1979) for
the moments.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int32, Int64

from snnlab.detectors.naming import Naming
from snnlab.detectors.verdicts import Verdicts
from snnlab.domains import Domain
from snnlab.events import EventBatch
from snnlab.features.clock import UNSEEN
from snnlab.features.readonly import readonly
from snnlab.kernels import kernel
from snnlab.prefetch import ahead
from snnlab.types import Array, Arrays

__all__ = ["Silence", "follow_gaps", "follow_habits", "fresh_habits", "silence_z", "silences", "tail_of", "verdicts_of"]

_KNOWN = 20
_MEMORY = 1000.0  # gaps
_DULLEST, _SHARPEST = 0.1, 16.0
_UNSEEN = UNSEEN
_KEY = "readout:absence"


@dataclass(frozen=True)
class Silence:
    """An entity that has said nothing since ``since_us``; ``z`` in standard deviations, ``score`` as -log10 p."""

    entity: str
    since_us: int
    z: float
    score: float


def fresh_habits(capacity: int) -> Arrays:
    """Habits of entities that were never heard: the time of the last moment, and count, mean and variance of gaps."""
    return {"heard": np.full(capacity, UNSEEN), "gaps": np.zeros((capacity, 3))}


def follow_habits(
    rows: Int32[np.ndarray, " n"], now_us: Int64[np.ndarray, " n"], heard: Int64[np.ndarray, " e"], gaps: np.ndarray
) -> None:
    """Learn the gaps of a batch in order, in place; events that are late or simultaneous make no gap.

    Example:
        >>> habits = fresh_habits(1)
        >>> times = np.array([0, 2_000_000, 1_000_000, 6_000_000, 6_000_000])
        >>> follow_habits(np.zeros(5, np.int32), times, **habits)
        >>> habits["gaps"][0].tolist()   # gaps of 2 s and 4 s
        [2.0, 3.0, 1.0]
    """
    follow_gaps(rows, readonly(now_us, np.int64), heard, gaps)


@kernel
def follow_gaps(rows: Array, now_us: Array, heard: Array, gaps: Array) -> None:
    """:func:`follow_habits`, compiled."""
    for t in range(rows.size):
        row, now = rows[t], now_us[t]
        ahead(heard, rows, t)
        ahead(gaps, rows, t)
        last = heard[row]
        if last != _UNSEEN and now <= last:
            continue
        heard[row] = now
        if last == _UNSEEN:
            continue
        gap = (now - last) * 1e-6
        gaps[row, 0] += 1.0
        step = max(1.0 / gaps[row, 0], 1.0 / _MEMORY)
        away = gap - gaps[row, 1]
        gaps[row, 1] += step * away
        gaps[row, 2] += step * (away * (gap - gaps[row, 1]) - gaps[row, 2])


def silence_z(seconds: float, count: float, mean: float, variance: float) -> float:
    """Standard deviations by which a silence stands out of gaps of this mean and variance; 0 where there is no habit.

    >>> round(silence_z(10.0, 100, 1.0, 1.0), 2)   # by chance, once a second: 10 s of silence are one in 20,000
    3.8
    """
    if count < _KNOWN or mean <= 0.0 or seconds <= mean:
        return 0.0
    shape = min(max(mean * mean / max(variance, 1e-12), _DULLEST), _SHARPEST)
    return max((math.cbrt(seconds / mean) - 1.0 + 1.0 / (9.0 * shape)) * 3.0 * math.sqrt(shape), 0.0)


def tail_of(z: float) -> float:
    """-log10 of the normal tail beyond ``z``, at most 300.

    >>> round(tail_of(0.0), 3), round(tail_of(3.719), 2), tail_of(1e9)
    (0.301, 4.0, 300.0)
    """
    if z < 30.0:
        return -math.log10(0.5 * math.erfc(z / math.sqrt(2.0)))
    return min((0.5 * z * z + math.log(z * math.sqrt(2.0 * math.pi))) / math.log(10.0), 300.0)


def silences(
    rows: Mapping[str, int], heard: Int64[np.ndarray, " e"], gaps: np.ndarray, until_us: int, threshold: float
) -> list[Silence]:
    """Entities whose silence until ``until_us`` scores ``threshold`` or more; nothing is changed."""
    found = []
    for entity, row in rows.items():
        since = int(heard[row])
        if since == UNSEEN or since >= until_us:
            continue
        z = silence_z((until_us - since) * 1e-6, *map(float, gaps[row]))
        score = tail_of(z)
        if score >= threshold:
            found.append(Silence(entity, since, z, score))
    return found


def verdicts_of(found: Sequence[Silence], until_us: int, domain: Domain) -> Verdicts:
    """Silences as verdicts, the longest first; their type is the one that most names ``readout:absence``."""
    ordered = sorted(found, key=lambda silence: (silence.since_us, silence.entity))
    score = np.array([silence.score for silence in ordered])
    n = len(ordered)
    kinds = sorted(domain.types, key=lambda kind: -kind.signature.get(_KEY, 0.0))
    named = kinds[0].name if kinds and kinds[0].signature.get(_KEY, 0.0) > 0.0 else "silence"
    z = np.array([silence.z for silence in ordered])
    return Verdicts(
        events=EventBatch.from_columns(
            np.zeros((n, 0)),
            (),
            timestamps=np.full(n, until_us, np.int64),
            event_ids=[f"silence:{silence.entity}:{silence.since_us}" for silence in ordered],
            entities=[silence.entity for silence in ordered],
        ),
        score=score,
        threshold=domain.threshold,
        alarm=z,
        word=score,
        groups=z.reshape(n, 1),
        group_names=("silence",),
        rarities=np.zeros((n, 0)),
        pattern=np.zeros((n, 0), np.float32),
        naming=Naming((named,), np.ones((1, 1))),
        actions={kind.name: kind.actions for kind in domain.types},
    )
