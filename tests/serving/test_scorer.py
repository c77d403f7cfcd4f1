"""A detector at work in the service: who waits for what."""

import numpy as np
import pytest

from snnlab import stores
from snnlab.detectors import Detector
from snnlab.detectors.model_file import ModelFile
from snnlab.events import EventBatch
from snnlab.serving.metrics import Metrics
from snnlab.serving.patterns import PatternMemory
from snnlab.serving.scorer import Scorer


def events(count, begin=0):
    at = np.arange(begin, begin + count)
    return EventBatch.from_columns(
        np.sin(at)[:, None], ["load"], timestamps=at * 1_000_000, event_ids=[f"e{one}" for one in at]
    )


@pytest.fixture
def scorer(tmp_path):
    detector = Detector.build("sensor", names=["load"], seed=1)
    with stores.connect(f"sqlite:///{tmp_path}/store.db") as store:
        yield Scorer(detector, "load", 1, Metrics(), PatternMemory(store))


def test_events_come_in_while_a_snapshot_is_made_bytes_of_and_are_not_in_it(scorer, monkeypatch):
    scorer.score(events(100))
    expected = scorer.save()
    to_bytes = ModelFile.to_bytes

    def meanwhile(file):
        scorer.score(events(50, begin=100))  # waits for ever where the detector is still held
        return to_bytes(file)

    monkeypatch.setattr(ModelFile, "to_bytes", meanwhile)
    mark, content = scorer.snapshot()
    assert content == expected
    assert mark.events == 100
    assert scorer.mark.events == 150
