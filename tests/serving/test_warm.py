"""A detector is warm when it has scored: events that come too late warm nothing."""

import numpy as np
import pytest

from snnlab.detectors import Detector
from snnlab.events import EventBatch
from snnlab.serving.warm import example, warm_up


@pytest.mark.parametrize("domain", ["security", "performance", "business", "sensor"])
def test_a_detector_that_has_seen_a_stream_scores_the_events_that_warm_it(domain):
    trained = Detector.build(domain, names=["load"], categories=["user"], entities=True)
    seen = EventBatch.from_columns(
        np.ones((10, 1)),
        ["load"],
        timestamps=1_800_000_000_000_000 + np.arange(10) * 1_000_000,
        categories={"user": ["a"] * 10},
    )
    trained.process(seen)
    assert np.isfinite(trained.process(example(trained, 3)).score).all()
    warm_up(trained)
    assert trained.n_events == 10 + 3 + 67
    assert not trained.rejected
