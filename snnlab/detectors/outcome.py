"""What shards say of events, put together in the order of the input."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float32, Int8, Int64

from snnlab.detectors.judgement import Judgement

__all__ = ["Outcome"]


@dataclass(frozen=True)
class Outcome:
    """What a shard says of ``n`` events: judgement, spike pattern by population bucket, and lateness."""

    judgement: Judgement
    pattern: Float32[np.ndarray, "n b"]
    lateness: Int8[np.ndarray, " n"]

    @classmethod
    def following(cls, parts: Sequence["Outcome"]) -> "Outcome":
        """Outcomes of batches one after the other, as one."""
        if len(parts) == 1:
            return parts[0]
        judged = [[getattr(part.judgement, one.name) for part in parts] for one in fields(Judgement)]
        return cls(
            Judgement(*(np.concatenate(arrays) for arrays in judged)),
            np.concatenate([part.pattern for part in parts]),
            np.concatenate([part.lateness for part in parts]),
        )

    @classmethod
    def beside(cls, parts: Sequence[tuple[Int64[np.ndarray, " k"], "Outcome"]], n: int) -> "Outcome":
        """Outcomes of different shards, each of the events at its places, as one of all ``n`` events."""
        judged = [
            _placed([(at, getattr(part.judgement, one.name)) for at, part in parts], n) for one in fields(Judgement)
        ]
        return cls(
            Judgement(*judged),
            _placed([(at, part.pattern) for at, part in parts], n),
            _placed([(at, part.lateness) for at, part in parts], n),
        )

    @classmethod
    def without(cls, kept: "Outcome", at: Int64[np.ndarray, " k"], lateness: Int8[np.ndarray, " n"]) -> "Outcome":
        """The outcome of the events at ``at`` among all; the others were rejected and have no score."""
        whole = cls.beside([(at, kept)], len(lateness))
        score = np.full(len(lateness), np.nan)
        score[at] = kept.judgement.score
        rest = [getattr(whole.judgement, one.name) for one in fields(Judgement)[1:]]
        return cls(Judgement(score, *rest), whole.pattern, lateness)


def _placed(parts: Sequence[tuple[Int64[np.ndarray, " k"], np.ndarray]], n: int) -> np.ndarray:
    first = parts[0][1]
    out = np.zeros((n, *first.shape[1:]), first.dtype)
    for at, values in parts:
        out[at] = values
    return out
