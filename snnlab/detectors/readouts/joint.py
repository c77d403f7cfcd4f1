"""Joint novelty: how far the whole event is from the nearest one known.

Each numeric feature is coded twice, by its mid-rank in a sample of what was seen and by its signed logarithm over the
range seen; each category counts ``mismatch`` when it differs. The L1 distance to the nearest output neuron is the
latency of the first spike. The evidence is each term of that distance against its own past in ordinary events, in
deviations above the mean and at most ``ceiling``, so that one restless feature does not drown the others. An event
farther than ``grain`` a column recruits a neuron, up to the ``neurons`` of the network's readout layer, then takes the
place of the neuron that has won least.

Source: evolving connectionist systems (Kasabov, 2007) with rank-order codes.
"""

from typing import ClassVar, NamedTuple

import numpy as np
from numba.extending import overload
from pydantic import Field

from snnlab.detectors.readouts.base import Inputs, Pool, Readout, Shape, surprises
from snnlab.kernels import OPTIONS, kernel, part
from snnlab.types import Array, Arrays

__all__ = ["Joint"]

_LEAST = 0.05  # the least deviation of a term, which by itself runs from 0 to 2


class Joint(Readout):
    """Terms of the L1 distance to the nearest output neuron, a column for each feature (deviations).

    ``sample`` values of each feature are kept to rank by. ``gate``: an event farther than this many times the usual
    distance does not recruit. Fails when what is abnormal is common.
    """

    kind: ClassVar[str] = "joint"

    pool: Pool = "sum"
    calibrated: bool = False
    mismatch: float = Field(default=0.6, ge=0)
    grain: float = Field(default=0.002, ge=0)
    sample: int = Field(default=1024, ge=16)
    neurons: int | None = None
    gate: float = Field(default=2.0, gt=0)
    ceiling: float = Field(default=5.0, gt=0)
    seed: int = 0

    def columns(self, shape: Shape) -> tuple[int, ...]:
        """One column for each feature, numeric ones first."""
        return tuple(range(shape.columns))

    def fresh(self, shape: Shape) -> Arrays:
        """Output neurons' codes, the ranked sample of each feature, and its range on the logarithmic scale."""
        neurons = self.neurons or shape.prototypes
        return {
            "code": np.zeros((neurons, 2 * shape.numbers), np.float32),
            "word": np.zeros((neurons, shape.categories), np.int32),
            "won": np.zeros(neurons, np.int64),
            "used": np.zeros(1, np.int64),
            "ranked": np.zeros((shape.numbers, self.sample)),
            "kept": np.zeros(1, np.int64),
            "lowest": np.full(shape.numbers, np.inf),
            "highest": np.full(shape.numbers, -np.inf),
            "usual": np.zeros(2),
            "center": np.zeros(shape.columns),
            "spread": np.zeros(shape.columns),
            "lottery": np.array([self.seed * 2 + 1], np.uint64),
        }

    def bind(self, learnt: Arrays, memory: Arrays) -> "JointArrays":
        """See :meth:`.base.Readout.bind`."""
        del memory
        return JointArrays(
            learnt["code"], learnt["word"], learnt["won"], learnt["used"], learnt["ranked"], learnt["kept"],
            learnt["lowest"], learnt["highest"], learnt["usual"], learnt["lottery"], learnt["center"],
            learnt["spread"], np.empty(learnt["code"].shape[1], np.float32),
            self.mismatch, self.grain, self.gate, self.ceiling,
        )  # fmt: skip

    def teach(self, inputs: Inputs, learnt: Arrays, *, normal: bool) -> None:
        """An event that turns out normal recruits a neuron however far it lies; one that does not teaches nothing."""
        if normal:
            # Once to widen the range, and again to code the event by it.
            for _ in range(2):
                self.model_copy(update={"gate": np.inf}).surprise(inputs, learnt, {}, learn=True)


class JointArrays(NamedTuple):
    """The readout as its kernel reads it."""

    code: Array
    word: Array
    won: Array
    used: Array
    ranked: Array
    kept: Array
    lowest: Array
    highest: Array
    usual: Array
    lottery: Array
    center: Array
    spread: Array
    point: Array
    mismatch: float
    grain: float
    gate: float
    ceiling: float


@kernel
def _draw(lottery, below):  # type: ignore[no-untyped-def]
    # splitmix64: seeded, and its one word of state is saved with the rest
    lottery[0] += np.uint64(0x9E3779B97F4A7C15)
    z = lottery[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return np.int64(z % np.uint64(below))


@kernel
def _rank(ranked, kept, value):  # type: ignore[no-untyped-def]
    if kept == 0:
        return 0.5
    low = np.searchsorted(ranked[:kept], value, side="left")
    high = np.searchsorted(ranked[:kept], value, side="right")
    return 0.5 * (low + high) / kept


@kernel
def _signed_log(value):  # type: ignore[no-untyped-def]
    return np.sign(value) * np.log1p(abs(value))


@kernel
def _keep(ranked, kept, value, dropped):  # type: ignore[no-untyped-def]
    place = np.searchsorted(ranked[:kept], value)
    if dropped < 0:
        for j in range(kept, place, -1):
            ranked[j] = ranked[j - 1]
        ranked[place] = value
    elif dropped < place:
        for j in range(dropped, place - 1):
            ranked[j] = ranked[j + 1]
        ranked[place - 1] = value
    else:
        for j in range(dropped, place, -1):
            ranked[j] = ranked[j - 1]
        ranked[place] = value


@kernel
def _winner(code, word, used, point, words, mismatch):  # type: ignore[no-untyped-def]
    best, winner = np.float32(np.inf), -1
    width, step = point.size, 16
    for q in range(used):
        total = np.float32(0.0)
        for c in range(words.size):
            if word[q, c] != words[c]:
                total += mismatch
        start = 0
        while start < width and total < best:
            for j in range(start, min(start + step, width)):
                total += abs(code[q, j] - point[j])
            start += step
        if total < best:
            best, winner = total, q
    return winner, best


@kernel
def _stand_out(terms, center, spread, ceiling, events, learn):  # type: ignore[no-untyped-def]
    """Each term against its own past in ordinary events, in place: deviations above the mean, at most ``ceiling``."""
    share = 1.0 / (events + 1.0)
    for j in range(terms.size):
        term = terms[j]
        away = term - center[j]
        z = away / (np.sqrt(spread[j]) + _LEAST)
        terms[j] = min(max(z, 0.0), ceiling)
        if learn:
            center[j] += share * away
            spread[j] = (1.0 - share) * (spread[j] + share * away * away)


@part
def _distances(bound, inputs, learn, out):  # type: ignore[no-untyped-def]
    """Standardised terms of each event's distance to the nearest neuron; all 0 for the very first event."""
    code, word, won, used, ranked, kept, lowest, highest, usual, lottery, center, spread, point = bound[:13]
    mismatch, grain, gate, ceiling = bound[13:]
    numbers, categories = inputs.numbers, inputs.categories
    features, sorts = numbers.shape[1], categories.shape[1]
    slots = ranked.shape[1]
    events = usual[1]
    for t in range(numbers.shape[0]):
        for j in range(features):
            scaled = _signed_log(numbers[t, j])
            low, high = lowest[j], highest[j]
            span = high - low
            point[j] = _rank(ranked[j], kept[0], numbers[t, j])
            point[features + j] = (scaled - low) / span if span > 1e-12 else (0.0 if scaled == low else 1.0)
            if low > high:
                point[features + j] = 0.5
            point[features + j] = min(max(point[features + j], np.float32(-1.0)), np.float32(2.0))
        winner, best = _winner(code, word, used[0], point, categories[t], np.float32(mismatch))
        if winner >= 0:
            for j in range(features):
                out[t, j] = abs(code[winner, j] - point[j]) + abs(code[winner, features + j] - point[features + j])
            for c in range(sorts):
                out[t, features + c] = mismatch if word[winner, c] != categories[t, c] else 0.0
            _stand_out(out[t], center, spread, ceiling, events, learn and best <= gate * (usual[0] + 1e-6))
        if not learn:
            continue
        events += 1.0
        ordinary = winner < 0 or events < 200.0 or best <= gate * (usual[0] + 1e-6)
        if winner >= 0:
            usual[0] += max(1.0 / events, 1e-4) * (min(np.float64(best), gate * (usual[0] + 1e-3)) - usual[0])
            won[winner] += 1
        if ordinary:
            for j in range(features):
                scaled = _signed_log(numbers[t, j])
                lowest[j], highest[j] = min(lowest[j], scaled), max(highest[j], scaled)
            if kept[0] < slots:
                for j in range(features):
                    _keep(ranked[j], kept[0], numbers[t, j], -1)
                kept[0] += 1
            elif _draw(lottery, np.int64(events)) < slots:
                for j in range(features):
                    _keep(ranked[j], kept[0], numbers[t, j], _draw(lottery, slots))
            if winner < 0 or best > grain * (features + sorts):
                place = used[0]
                if place < code.shape[0]:
                    used[0] += 1
                else:
                    place = np.argmin(won)
                for j in range(point.size):
                    code[place, j] = point[j]
                for c in range(sorts):
                    word[place, c] = categories[t, c]
                won[place] = 1
    usual[1] = events


@overload(surprises, jit_options=OPTIONS)
def _overload(bound, inputs, learn, out):  # type: ignore[no-untyped-def]
    return _distances if getattr(bound, "instance_class", None) is JointArrays else None
