from dataclasses import dataclass

import numpy as np
import pytest

from snnlab.datasets.labelled import LabelledStream
from snnlab.events import EventBatch


@dataclass(frozen=True)
class Verdict:
    event_id: list[str]
    score: np.ndarray
    anomaly: np.ndarray
    type: list[str]
    groups: np.ndarray
    group_names: tuple[str, ...]
    alarm: np.ndarray
    spoken: np.ndarray


class Difference:
    """A whole detector in three lines: the size of the step, flagged above 5; it notes what it was told to learn."""

    def __init__(self):
        self.last, self.learnt, self.labels = None, [], []

    def process(self, batch, learn=True):
        values = batch.values[:, 0]
        score = np.abs(np.diff(values, prepend=values[:1] if self.last is None else self.last))
        if len(values):
            self.last = values[-1]
        self.learnt += [learn] * len(values)
        flag = score > 5
        names = ["jump" if f else "" for f in flag]
        return Verdict(batch.event_ids, score, flag, names, score[:, None], ("value",), score * flag, flag)

    def feedback(self, event_id, label, at=None):
        self.labels.append((event_id, label, at))
        return True


@pytest.fixture
def detector():
    return Difference()


@pytest.fixture
def stream():
    values = np.random.default_rng(0).normal(size=(600, 1))
    label, kind = np.zeros(600, np.int8), [""] * 600
    for row, name in ((300, "jump"), (400, "jump"), (500, "drop")):
        values[row] += 20 if name == "jump" else -20
        label[row], kind[row] = 1, name
    return LabelledStream("steps", EventBatch.from_columns(values, ["load"]), label, kind, train=100)


@pytest.fixture
def factory():
    return lambda stream: Difference()
