import numpy as np
import pytest

from snnlab.datasets import LabelledStream
from snnlab.errors import EventError
from snnlab.events import EventBatch


def stream_of(n=10, **given):
    events = EventBatch.from_columns(np.arange(float(n)).reshape(n, 1), ["x"])
    label = given.pop("label", np.zeros(n, dtype=np.int8))
    return LabelledStream("made", events, label, **given)


def test_training_and_test_part_the_stream():
    stream = stream_of(train=4, windows=[(2, 5), (8, 9)])
    assert stream.training.events.values.ravel().tolist() == [0, 1, 2, 3]
    assert stream.training.windows == [(2, 3)]
    assert stream.test.events.values.ravel().tolist() == [4, 5, 6, 7, 8, 9]
    assert stream.test.windows == [(0, 1), (4, 5)]
    assert (stream.training.train, stream.test.train) == (4, 0)


def test_a_slice_takes_labels_and_kinds_along():
    label = np.array([0, 1] * 5, dtype=np.int8)
    stream = stream_of(label=label, kind=["", "latency_spike"] * 5).slice(3, 5)
    assert stream.label.tolist() == [1, 0]
    assert stream.kind == ["latency_spike", ""]
    assert stream.windows is None


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"label": np.zeros(3, dtype=np.int8)}, "3 labels for the 10 events"),
        ({"label": np.full(10, 2)}, "give 0 or 1"),
        ({"kind": ["a"]}, "1 anomaly types"),
        ({"train": 11}, "but it has 10"),
        ({"windows": [(4, 10)]}, r"window \(4, 10\)"),
    ],
)
def test_truth_that_does_not_fit_is_refused(given, told):
    with pytest.raises(EventError, match=told):
        stream_of(**given)


def test_labels_become_small_integers():
    assert stream_of(label=np.zeros(10, dtype=bool)).label.dtype == np.int8
