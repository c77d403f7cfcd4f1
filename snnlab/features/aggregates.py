"""Every windowed aggregate, O(1) an event: one walk over the events of a batch, one row of state a key.

A leaky window of time constant τ holds weights that fade with event time, w ← w · exp(-Δt / τ) + 1: the mean is
m ← m + (x - m) / w and the spread, a mean absolute deviation, s ← s + (|x - m| - s) / w. Absolute deviations need no
squares, so that values at 1e300 do not overflow. A late event has Δt = 0.

``deviation`` is an empirical-Bayes score (Efron and Morris, 1975): a young key borrows the centre and the spread of all
keys, worth ten events; where keys differ much more than they vary, the centre is borrowed for less.

The functions stand in one file because the compiled cache is refreshed by the file that holds the entry point.
"""

import math
from typing import NamedTuple

import numpy as np

from snnlab.kernels import inlined, kernel
from snnlab.types import Array

__all__ = ["AGGREGATES", "ENTITY", "HEAD", "SLOTS", "STREAM", "TABLE", "Keyed", "first_flaw", "walk"]

VALUE, CHANGE, DEVIATION, GAP, COUNT, SUM, MEAN, DISTINCT, NOVEL, MATCH, HOUR, WEEK = range(12)
AGGREGATES = {
    "value": VALUE,
    "change": CHANGE,
    "deviation": DEVIATION,
    "gap": GAP,
    "count": COUNT,
    "sum": SUM,
    "mean": MEAN,
    "distinct": DISTINCT,
    "novel": NOVEL,
    "match": MATCH,
    "hour": HOUR,
    "week": WEEK,
}
"""Code of each aggregate in the walk."""

SLOTS = {"change": 1, "deviation": 3, "count": 1, "sum": 1, "mean": 2, "distinct": 1}
"""Numbers that an aggregate keeps in its key's row, after the row's head: time of the last event, events seen."""

HEAD = 2
TABLE = 65_536
"""Rows of a table over the words of a category."""
STREAM, ENTITY = -2, -1
"""Keys that are no category: all events together, and the entity."""


class Keyed(NamedTuple):
    """What the features of one key read, keep and fill.

    ``key`` is ``STREAM``, ``ENTITY`` or the column of words that is the key; ``columns`` … ``targets`` [k] say what
    each feature reads, keeps and fills; ``state`` [e, HEAD + slots] has a row a key, ``tags`` and ``seen``
    [e, q, ways] are the sketches of category values, ``shared`` [k, 5] is what all keys know.
    """

    key: int
    kinds: Array
    columns: Array
    others: Array
    windows_us: Array
    logs: Array
    ats: Array
    sketches: Array
    targets: Array
    state: Array
    tags: Array
    seen: Array
    shared: Array


HUGE = 4e307  # differences of two clipped values still fit
PSEUDO = 10.0  # events that the knowledge of all keys is worth to one key
HORIZON = 10_000.0  # events over which the knowledge of all keys is kept
LIMIT = 30.0  # spreads beyond which a value teaches no more than one at the limit
RESOLUTION = 1e-6  # steps smaller than this part of the value are no evidence of a spread
NORMAL = 1.2533141373155003  # standard deviation over mean absolute deviation of a Gaussian
QUANTA = 1024  # steps of a window in a sketch's time
WAYS = 4
DAY_US = 86_400_000_000
WEEK_US = 7 * DAY_US
MONDAY_US = 4 * DAY_US  # 1970-01-05


@kernel
def first_flaw(values: Array, columns: Array, rows: Array, capacity: int) -> tuple[int, int]:
    """Row of the first value that is not finite (or state row out of range) and its column (-1 for the state row)."""
    for i in range(rows.shape[0]):
        if rows[i] < 0 or rows[i] >= capacity:
            return i, -1
        for j in columns:
            if not math.isfinite(values[i, j]):
                return i, j
    return -1, -1


@kernel
def _mixed(symbol: int) -> np.uint32:
    """The finaliser of MurmurHash3 (Appleby): every input bit moves every output bit."""
    h = np.uint32(symbol)
    h = np.uint32(np.uint32(h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B))
    h = np.uint32(np.uint32(h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35))
    return np.uint32(h ^ (h >> np.uint32(16)))


@kernel
def _limited(x: float, bound: float) -> float:
    return min(max(x, -bound), bound)


@kernel
def _logged(x: float) -> float:
    return math.copysign(math.log1p(abs(x)), x)


@kernel
def _expected(w: float, m: float, s: float, shared: Array, f: int) -> tuple[float, float, float]:
    """Centre and spread that a key is expected to show, from its own past and that of all keys."""
    seen, mean, spread, within = shared[f, 0], shared[f, 1], shared[f, 2], shared[f, 4]
    if shared[f, 3] == 0.0:
        within = spread
    ratio = min(within / spread, 1.0) if spread > 0.0 else 1.0
    pseudo = PSEUDO * ratio * ratio
    borrowed = pseudo / (w + pseudo) if w + pseudo > 0.0 else 1.0
    centre = m + (mean - m) * borrowed if w > 0.0 else mean
    own = (w * s + PSEUDO * within) / (w + PSEUDO)
    unsure = spread * math.sqrt(borrowed * (1.0 - ratio * ratio))
    return centre, max(math.hypot(own, unsure), RESOLUTION * abs(centre)), seen


@kernel
def _learn_shared(x: float, w: float, deviation: float, shared: Array, f: int) -> None:
    """Move the centre and spread of all keys, and the spread within a key, towards one event."""
    n = min(shared[f, 0] + 1.0, HORIZON)
    if n > 1.0:
        bound = LIMIT * shared[f, 2] if shared[f, 2] > 0.0 else HUGE
        step = _limited(x - shared[f, 1], bound)
        shared[f, 2] += (abs(step) - shared[f, 2]) / (n - 1.0)
        shared[f, 1] += step / n
    else:
        shared[f, 1] = x
    shared[f, 0] = n
    if w > 0.0:
        shared[f, 3] = min(shared[f, 3] + 1.0, HORIZON)
        shared[f, 4] += (deviation * math.sqrt(w / (w + 1.0)) - shared[f, 4]) / shared[f, 3]


@kernel
def _deviation(x: float, decay: float, state: Array, r: int, at: int, shared: Array, f: int) -> float:
    """Score of a value against what its key is expected to show; then learn it."""
    w, m, s = state[r, at] * decay, state[r, at + 1], state[r, at + 2]
    z, bound = 0.0, HUGE
    if shared[f, 0] > 0.0:
        centre, spread, seen = _expected(w, m, s, shared, f)
        bound = LIMIT * spread if spread > 0.0 else HUGE
        away = x - centre
        # the event is one more witness of its own spread: a score never exceeds the events it rests on
        witnessed = spread * (seen / (seen + 1.0)) + abs(away) / (seen + 1.0)
        z = away / (NORMAL * witnessed) if witnessed > 0.0 else 0.0
    step = _limited(x - m, min(bound, HUGE)) if w > 0.0 else 0.0
    _learn_shared(x, w, abs(step), shared, f)
    if w > 0.0:
        state[r, at + 2] += (abs(step) * math.sqrt(w / (w + 1.0)) - s) / max(w, 1.0)
        state[r, at + 1] += step / (w + 1.0)
    else:
        state[r, at + 1], state[r, at + 2] = x, 0.0
    state[r, at] = w + 1.0
    return z


@kernel
def _gap(gap_us: float, known: bool, shared: Array, f: int) -> float:
    """log1p of the seconds since the key's last event; what all keys show where there is none."""
    if not known:
        return float(shared[f, 1])
    gap = math.log1p(gap_us * 1e-6)
    shared[f, 0] = min(shared[f, 0] + 1.0, HORIZON)
    shared[f, 1] += (gap - shared[f, 1]) / shared[f, 0]
    return float(gap)


@kernel
def _new(symbol: int, now_us: float, window_us: float, tags: Array, seen: Array, r: int, q: int) -> bool:
    """Whether a symbol was not seen within the window; then note it (a set of four ways, the oldest gives way)."""
    h = _mixed(symbol)
    tag = np.uint16(max(h >> np.uint32(16), np.uint32(1)))
    base = (int(h) & 0xFFFF) % (tags.shape[2] // WAYS) * WAYS
    stamp = int(now_us / max(window_us / QUANTA, 1.0)) & 0xFFFFFFFF
    stamp = max(stamp, 1)
    oldest, age_of_oldest = base, -1
    for way in range(base, base + WAYS):
        age = (stamp - int(seen[r, q, way])) & 0xFFFFFFFF
        if age >= 1 << 31:
            age = 0
        if seen[r, q, way] == 0:
            age = 1 << 31
        elif tags[r, q, way] == tag:
            seen[r, q, way] = np.uint32(stamp)
            return age > QUANTA
        if age > age_of_oldest:
            oldest, age_of_oldest = way, age
    tags[r, q, oldest], seen[r, q, oldest] = tag, np.uint32(stamp)
    return True


@inlined
def _number(
    kind: int, x: float, log: bool, at: int, decay: float, gap_us: float, state: Array, r: int, shared: Array, f: int
) -> float:
    """One numeric aggregate of one event."""
    x = _limited(_logged(x) if log and kind != SUM else x, HUGE)
    known = state[r, 1] > 0.0
    if kind == DEVIATION:
        return float(_deviation(x, decay, state, r, at, shared, f))
    if kind == CHANGE:
        last, state[r, at] = state[r, at], x
        return float(x - last) if known else 0.0
    if kind == GAP:
        return float(_gap(gap_us, known, shared, f))
    if kind == MEAN:
        state[r, at] = state[r, at] * decay + 1.0
        state[r, at + 1] += (x - state[r, at + 1]) / state[r, at]
        return float(state[r, at + 1])
    if kind in (COUNT, SUM):
        state[r, at] = _limited(state[r, at] * decay + (1.0 if kind == COUNT else x), HUGE)
        return float(_logged(state[r, at])) if log else float(state[r, at])
    return x


@kernel
def _word(
    kind: int,
    symbol: int,
    other: int,
    log: bool,
    at: int,
    decay: float,
    now_us: float,
    window_us: float,
    state: Array,
    r: int,
    tags: Array,
    seen: Array,
    q: int,
) -> float:
    """One aggregate of a category column of one event."""
    if kind == MATCH:
        return 1.0 if symbol == other and symbol != 0 else 0.0
    new = _new(symbol, now_us, window_us, tags, seen, r, q)
    if kind == NOVEL:
        return 1.0 if new and state[r, 1] > 0.0 else 0.0
    state[r, at] = state[r, at] * decay + (1.0 if new else 0.0)
    return float(_logged(state[r, at])) if log else float(state[r, at])


@kernel
def _row_of(key: int, row: int, symbols: Array, i: int) -> int:
    """The row of an event's key: its entity's, the only one, or that of a word's hash (Knuth's multiplicative one)."""
    if key == ENTITY:
        return row
    return 0 if key == STREAM else int((np.int64(symbols[i, key]) * 2_654_435_761 >> 16) % TABLE)


@kernel
def walk(times: Array, rows: Array, values: Array, symbols: Array, keyed: Keyed, out: Array) -> None:
    """Aggregate the events of a batch in order, for the features of one key.

    ``times`` [n] µs; ``rows`` [n] of the entities; ``values`` [n, f] and ``symbols`` [n, c]; ``out`` [n, p].
    """
    key, kinds, columns, others, windows_us, logs, ats, sketches, targets, state, tags, seen, shared = keyed
    for i in range(times.shape[0]):
        r = _row_of(key, rows[i], symbols, i)
        now = times[i]
        gap_us = max(now - state[r, 0], 0.0) if state[r, 1] > 0.0 else 0.0
        latest = now if state[r, 1] == 0.0 else max(float(now), state[r, 0])
        window, decay = -1.0, 1.0
        for f in range(kinds.shape[0]):
            if windows_us[f] != window:
                window = windows_us[f]
                decay = math.exp(-gap_us / window)
            kind, at = kinds[f], ats[f]
            if kind == HOUR:
                result = (now % DAY_US) * 1e-6
            elif kind == WEEK:
                result = ((now - MONDAY_US) % WEEK_US) * 1e-6
            elif kind >= DISTINCT:
                result = _word(
                    kind, symbols[i, columns[f]], symbols[i, others[f]], logs[f], at, decay, latest, window, state, r,
                    tags, seen, sketches[f],
                )  # fmt: skip
            else:
                x = values[i, columns[f]] if columns[f] >= 0 else 0.0
                result = _number(kind, x, logs[f], at, decay, gap_us, state, r, shared, f)
            out[i, targets[f]] = result
        state[r, 0] = latest
        state[r, 1] += 1.0
