"""How time is taken: warm first, in rounds, the peer in turn with the subject, the collector as in the service.

A figure is the median of its rounds, beside the least and the greatest of them. Python's garbage collector stays on;
what was made before a round is frozen, as the service freezes it when it starts. Other processes slow all
rounds alike, so read ratios, and the load average that is written beside the machine.
"""

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter, perf_counter_ns, process_time, thread_time_ns

import numpy as np
from jaxtyping import Float64
from numpy.typing import ArrayLike

__all__ = ["Spread", "each", "in_turn", "processor_seconds", "seconds", "settled"]


@dataclass(frozen=True)
class Spread:
    """A figure over several rounds.

    >>> Spread.of([3.0, 1.0, 2.0])
    Spread(median=2.0, low=1.0, high=3.0, rounds=3)
    """

    median: float
    low: float
    high: float
    rounds: int

    @classmethod
    def of(cls, values: ArrayLike) -> "Spread":
        """The median of a figure's rounds, and their range."""
        rounds = np.asarray(values, np.float64)
        return cls(float(np.median(rounds)), float(rounds.min()), float(rounds.max()), rounds.size)


@contextmanager
def settled() -> Iterator[None]:
    """What is here now is out of the collector's sight until the end of the block."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    begun = perf_counter()
    work()
    return perf_counter() - begun


def processor_seconds(work: Callable[[], object]) -> float:
    """Processor time of one call: for work on one thread the wall time of an idle machine, whatever else this one does.

    >>> processor_seconds(lambda: None) < 1.0
    True
    """
    begun = process_time()
    work()
    return process_time() - begun


def each(works: Iterable[Callable[[], object]]) -> Float64[np.ndarray, "n 2"]:
    """Wall time, and processor time of this thread, of each call in µs, one after the other."""
    waiting, taken = list(works), []
    with settled():
        for work in waiting:
            worked, begun = thread_time_ns(), perf_counter_ns()
            work()
            ended = perf_counter_ns()
            taken.append((ended - begun, thread_time_ns() - worked))
    return np.array(taken) / 1e3


def in_turn(
    rounds: int, **measures: Callable[[int], Float64[np.ndarray, " k"]]
) -> dict[str, Float64[np.ndarray, "r k"]]:
    """Run each measure once a round, in turn, so that what else the machine does falls on all of them.

    A measure is told its round and returns ``k`` numbers; one round before the first is thrown away.

    >>> in_turn(2, subject=lambda at: np.array([at]), peer=lambda at: np.array([10 * at]))["peer"].tolist()
    [[10], [20]]
    """
    found: dict[str, list[Float64[np.ndarray, " k"]]] = {name: [] for name in measures}
    for at in range(rounds + 1):
        for name, measure in measures.items():
            found[name].append(measure(at))
    return {name: np.stack(values[1:]) for name, values in found.items()}
