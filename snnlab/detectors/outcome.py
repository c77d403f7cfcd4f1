"""What shards say of events, put together in the order of the input."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int64

from snnlab.detectors.judgement import Judgement

__all__ = ["Outcome"]

_NONE = np.zeros(0, np.int64)


class Outcome(NamedTuple):
    """What a shard says of ``n`` events: judgement, spike pattern by population bucket, and which clocks rejected."""

    judgement: Judgement
    pattern: Float32[np.ndarray, "n b"]
    rejected: Int64[np.ndarray, " r"] = _NONE

    @classmethod
    def following(cls, parts: Sequence["Outcome"]) -> "Outcome":
        """Outcomes of batches one after the other, as one."""
        if len(parts) == 1:
            return parts[0]
        judged = [[getattr(part.judgement, one) for part in parts] for one in Judgement._fields]
        starts = np.cumsum([0, *(len(part.pattern) for part in parts[:-1])])
        return cls(
            Judgement(*(np.concatenate(arrays) for arrays in judged)),
            np.concatenate([part.pattern for part in parts]),
            np.concatenate([part.rejected + start for part, start in zip(parts, starts, strict=True)]),
        )

    @classmethod
    def beside(cls, parts: Sequence[tuple[Int64[np.ndarray, " k"], "Outcome"]], n: int) -> "Outcome":
        """Outcomes of different shards, each of the events at its places, as one of all ``n`` events."""
        judged = [_placed([(at, getattr(part.judgement, one)) for at, part in parts], n) for one in Judgement._fields]
        return cls(
            Judgement(*judged),
            _placed([(at, part.pattern) for at, part in parts], n),
            np.sort(np.concatenate([at[part.rejected] for at, part in parts])),
        )

    @classmethod
    def without(cls, kept: "Outcome", rejected: Int64[np.ndarray, " r"], n: int) -> "Outcome":
        """The outcome of all but the rejected ones of ``n`` events, as one of all: the rejected have no score."""
        whole = cls.beside([(np.delete(np.arange(n), rejected), kept)], n)
        whole.judgement.score[rejected] = np.nan
        return cls(whole.judgement, whole.pattern, rejected)


def _placed(parts: Sequence[tuple[Int64[np.ndarray, " k"], np.ndarray]], n: int) -> np.ndarray:
    first = parts[0][1]
    out = np.zeros((n, *first.shape[1:]), first.dtype)
    for at, values in parts:
        out[at] = values
    return out
