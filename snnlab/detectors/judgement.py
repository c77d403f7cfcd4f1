"""Judgement: the evidence of all readouts becomes one calibrated score, one alarm, and evidence by group.

For each event, in one compiled pass: every column's likelihood; the pooled and smoothed evidence of each readout; its
rarity and its alarm neuron; the strongest rarity, which is the score; and the one voice that lateral inhibition lets
through.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int32, Int64

from snnlab.detectors.alarm import fresh_alarm, speak_one
from snnlab.detectors.likelihood import standardise_row
from snnlab.detectors.readouts import Readout
from snnlab.detectors.tail import fresh_tail, rarity_of
from snnlab.kernels import inlined, kernel
from snnlab.prefetch import ahead
from snnlab.types import Array, Arrays

__all__ = ["Judge", "JudgeArrays", "Judgement", "judge_events"]

_POOLS = ("max", "mean", "sum")
_WARMUP = 50
_SETTLED = 100  # events until readouts that standardise have a scale, and their tails something to fit
_ROUSE = 0.3


class Judgement(NamedTuple):
    """Score, alarm, word and group evidence of ``n`` events, and the rarity by readout (``r``).

    ``word`` is the score where it is heard: at the threshold or above, and after the refractory silence or stronger.
    """

    score: Float64[np.ndarray, " n"]
    alarm: Float64[np.ndarray, " n"]
    word: Float64[np.ndarray, " n"]
    groups: Float64[np.ndarray, "n g"]
    rarities: Float64[np.ndarray, "n r"]

    @classmethod
    def blank(cls, n: int, groups: int, readouts: int) -> "Judgement":
        """Room for a judgement of ``n`` events."""
        return cls(np.zeros(n), np.zeros(n), np.zeros(n), np.zeros((n, groups)), np.zeros((n, readouts)))


class JudgeArrays(NamedTuple):
    """A judge and its arrays as the kernel reads them."""

    starts: Array
    group_of: Array
    settings: Array
    refractory: int
    threshold: float
    gate: float
    learnt: tuple[Array, ...]
    memory: tuple[Array, ...]
    desk: tuple[Array, Array, Array, Array]
    """The z of each column; each readout's level, and its z; the weight of each column's readout."""


@dataclass(frozen=True)
class Judge:
    """The constants of a judgement: how each of the ``r`` readouts is pooled, weighed and habituated.

    ``starts`` are the first columns of the readouts (one more at the end); ``group_of`` the group of each column.
    """

    starts: Int64[np.ndarray, " r1"]
    group_of: Int64[np.ndarray, " d"]
    n_groups: int
    settings: Float64[np.ndarray, "r 7"]
    refractory: int
    threshold: float
    gate: float

    @classmethod
    def of(
        cls,
        readouts: Sequence[Readout],
        groups: Sequence[Sequence[int]],
        n_groups: int,
        refractory: int,
        threshold: float,
        gate: float,
    ) -> "Judge":
        """A judge of readouts whose columns speak of ``groups``."""
        starts = np.cumsum([0, *(len(group) for group in groups)]).astype(np.int64)
        mute = not any(r.voice for r in readouts)  # where none has a voice of its own, each speaks by its weight
        settings = [
            (r.weight, _POOLS.index(r.pool), r.smoothing, r.calibrated, r.habituation, np.exp(-1.0 / r.recovery))
            for r in readouts
        ]
        voices = [(r.weight if mute else r.voice,) for r in readouts]
        flat = [group for one in groups for group in one]
        return cls(
            starts,
            np.array(flat, np.int64),
            n_groups,
            np.hstack([settings, voices]),
            refractory,
            threshold,
            gate,
        )

    @property
    def columns(self) -> int:
        """All columns of all readouts."""
        return int(self.starts[-1])

    def fresh(self) -> Arrays:
        """What a judge that has seen nothing has learnt."""
        count = len(self.settings)
        tail = fresh_tail()
        return {
            "mean": np.zeros(self.columns),
            "variance": np.zeros(self.columns),
            "events": np.zeros(1),
            "pooled_mean": np.zeros(count),
            "pooled_variance": np.zeros(count),
            "pooled_events": np.zeros(1),
            "first": np.tile(tail["first"], (count, 1)),
            "fit": np.tile(tail["fit"], (count, 1)),
        }

    def remembered(self, capacity: int) -> Arrays:
        """What it remembers of each entity: smoothed evidence; alarm neurons of each readout, of all, of the score."""
        count = len(self.settings)
        voices = fresh_alarm(capacity, count + 2)
        return {"pooled": np.zeros((capacity, count)), "begun": np.zeros(capacity, np.int64), **voices}

    def judge(
        self,
        evidence: Float64[np.ndarray, "n d"],
        rows: Int32[np.ndarray, " n"],
        learnt: Arrays,
        memory: Arrays,
        *,
        learn: bool,
    ) -> Judgement:
        """Judge ``n`` events in order; updates ``learnt`` when ``learn``, and ``memory``."""
        out = Judgement.blank(len(evidence), self.n_groups, len(self.settings))
        judge_events(self.bind(learnt, memory), evidence, rows, learn, out)
        return out

    def bind(self, learnt: Arrays, memory: Arrays) -> JudgeArrays:
        """What :func:`judge_events` takes."""
        return JudgeArrays(
            self.starts, self.group_of, self.settings, self.refractory, self.threshold, self.gate,
            (learnt["mean"], learnt["variance"], learnt["events"], learnt["pooled_mean"], learnt["pooled_variance"],
             learnt["pooled_events"], learnt["first"], learnt["fit"]),
            (memory["pooled"], memory["begun"], memory["clock"], memory["last"], memory["voice"], memory["tired"]),
            (np.zeros(self.columns), np.zeros(len(self.settings)), np.zeros(len(self.settings)),
             np.repeat(self.settings[:, 0], np.diff(self.starts))),
        )  # fmt: skip


@inlined
def _pool(values: Array, start: int, stop: int, how: float) -> float:
    """The strongest of a readout's columns, their mean or their sum; 0 where it has none."""
    most, total = -np.inf if how == 0.0 and stop > start else 0.0, 0.0
    if how == 0.0:
        for j in range(start, stop):
            most = max(most, values[j])
        return most
    for j in range(start, stop):
        total += values[j]
    return total / max(stop - start, 1) if how == 1.0 else total


@kernel
def judge_events(bound: JudgeArrays, evidence: Array, rows: Array, learn: bool, out: Judgement) -> None:
    """Judge ``n`` events in order, into ``out``, which holds zeros."""
    starts, group_of, settings, refractory, threshold, gate, learnt, memory, (z, level, scaled, weights) = bound
    score, alarm, word, groups, rarities = out
    mean, variance, events, pooled_mean, pooled_variance, pooled_events, first, fit = learnt
    pooled, begun, clock, last, voice, tired = memory
    count = settings.shape[0]
    for t in range(evidence.shape[0]):
        row = rows[t]
        ahead(pooled, rows, t)
        ahead(begun, rows, t)
        ahead(clock, rows, t)
        ahead(last, rows, t)
        ahead(voice, rows, t)
        ahead(tired, rows, t)
        standardise_row(evidence[t], mean, variance, events, _WARMUP, learn, z)
        for r in range(count):
            values = z if settings[r, 3] > 0.0 else evidence[t]
            value = _pool(values, starts[r], starts[r + 1], settings[r, 1])
            rate = settings[r, 2] if begun[row] else 1.0
            pooled[row, r] += rate * (value - pooled[row, r])
            level[r] = pooled[row, r]
        begun[row] = 1
        standardise_row(level, pooled_mean, pooled_variance, pooled_events, _WARMUP, learn, scaled)
        strongest, voiced = 0.0, 0.0
        for r in range(count):
            weight = settings[r, 0]
            if events[0] > _SETTLED:
                rare = rarity_of(level[r], first[r], fit[r], 0.95, gate, 0.005, learn)
                # A readout that has never said anything is no evidence: its zeros stand for nothing.
                rarities[t, r] = rare if level[r] != 0.0 or fit[r, 3] > 0.0 else 0.0
            strongest = max(strongest, weight * rarities[t, r])
            said = speak_one(
                level[r] if settings[r, 3] > 0.0 else scaled[r], row, r, clock, last, voice, tired,
                refractory, _ROUSE, settings[r, 4], settings[r, 5],
            )  # fmt: skip
            voiced = max(voiced, settings[r, 6] * said)
        own = groups[t]
        for j in range(z.size):
            own[group_of[j]] = max(own[group_of[j]], weights[j] * z[j])
        score[t] = strongest
        alarm[t] = speak_one(
            voiced, row, count, clock, last, voice, tired, refractory, np.inf, 0.0, 1.0
        )  # fmt: skip
        word[t] = speak_one(
            strongest if strongest >= threshold else 0.0, row, count + 1, clock, last, voice, tired,
            refractory, np.inf, 0.0, 1.0,
        )  # fmt: skip
