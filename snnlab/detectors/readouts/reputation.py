"""Reputation: what late labels have said of each word: a terminal, a user, a product that anomalies came from.

A label comes days after its event, and says more than that the one event was bad: what it came from may go on. Each
word keeps two leaky counts, of its events and of those that turned out anomalies. Its risk is their ratio, drawn
towards that of all events while the word is young, and the evidence is how many times (in nats) that is the risk of
all. Without labels there is no evidence, and a word whose labels are forgotten has none.

Source: the delayed risk of a terminal (Le Borgne et al., Reproducible Machine Learning for Credit Card Fraud Detection,
2022), by exponential forgetting instead of fixed windows.
"""

from typing import ClassVar, NamedTuple

import numpy as np
from numba.extending import overload
from pydantic import Field

from snnlab.detectors.readouts.base import Inputs, Readout, Shape, surprises
from snnlab.kernels import OPTIONS, kernel, part
from snnlab.types import Array, Arrays

__all__ = ["Reputation"]

_DAY = 86_400.0


class Reputation(Readout):
    """Logarithm of a word's risk over that of all events, at least 0 (nats).

    ``days`` is how long a label counts; ``strength`` the weight of the overall risk, in events. ``slots`` hold the
    words by their hashes, where two may meet. Fails where nobody says what an anomaly was.
    """

    kind: ClassVar[str] = "reputation"

    calibrated: bool = False
    days: float = Field(default=30.0, gt=0)
    strength: float = Field(default=4.0, gt=0)
    slots: int = Field(default=65_536, ge=16)

    def columns(self, shape: Shape) -> tuple[int, ...]:
        """One column for each category feature."""
        return tuple(range(shape.numbers, shape.columns))

    def fresh(self, shape: Shape) -> Arrays:
        """Events, anomalies and the last time of each word, and of all events."""
        return {
            "seen": np.zeros((shape.categories, self.slots), np.float32),
            "bad": np.zeros((shape.categories, self.slots), np.float32),
            "last": np.zeros((shape.categories, self.slots)),
            "all": np.zeros(2),
        }

    def bind(self, learnt: Arrays, memory: Arrays) -> "ReputationArrays":
        """See :meth:`.base.Readout.bind`."""
        del memory
        return ReputationArrays(
            learnt["seen"], learnt["bad"], learnt["last"], learnt["all"], self.days * _DAY, self.strength
        )

    def teach(self, inputs: Inputs, learnt: Arrays, *, normal: bool) -> None:
        """An anomaly counts against its words as much as it would if it had been known at once; a normal event for."""
        counts = learnt["seen"] if normal else learnt["bad"]
        for c, symbol in enumerate(inputs.categories[0].tolist()):
            slot = symbol % self.slots
            late = max(float(learnt["last"][c, slot] - inputs.seconds[0]), 0.0)
            counts[c, slot] += np.exp(-late / (self.days * _DAY))
        learnt["all"][1] += not normal


class ReputationArrays(NamedTuple):
    """The readout as its kernel reads it; ``every`` counts all events and all anomalies."""

    seen: Array
    bad: Array
    last: Array
    every: Array
    memory: float
    strength: float


@kernel
def _risk(bound, c, slot, now, usual, learn):  # type: ignore[no-untyped-def]
    """A word's risk by now, what it knows having faded since its last event; then the event is counted."""
    kept = np.exp(-max(now - bound.last[c, slot], 0.0) / bound.memory)
    seen, bad = bound.seen[c, slot] * kept, bound.bad[c, slot] * kept
    if learn:
        bound.seen[c, slot], bound.bad[c, slot] = seen + 1.0, bad
        bound.last[c, slot] = max(now, bound.last[c, slot])
    return (bad + bound.strength * usual) / (seen + bound.strength)


@part
def _reputation(bound, inputs, learn, out):  # type: ignore[no-untyped-def]
    """What each word's labels say; nothing before the first."""
    every, categories, slots = bound.every, inputs.categories, bound.seen.shape[1]
    for t in range(categories.shape[0]):
        usual = every[1] / every[0] if every[0] > 0.0 else 0.0
        for c in range(categories.shape[1]):
            slot = np.int64(categories[t, c]) % slots
            risk = _risk(bound, c, slot, inputs.seconds[t], usual, learn)
            if usual > 0.0:
                out[t, c] = max(np.log(risk / usual), 0.0)
        if learn:
            every[0] += 1.0


@overload(surprises, jit_options=OPTIONS)
def _overload(bound, inputs, learn, out):  # type: ignore[no-untyped-def]
    return _reputation if getattr(bound, "instance_class", None) is ReputationArrays else None
