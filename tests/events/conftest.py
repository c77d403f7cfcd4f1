"""Events of every shape, for the codecs' round trips."""

import numpy as np
import pytest
from hypothesis import strategies as st

from snnlab.events import Anomaly, EventBatch

LONGS = st.integers(-(2**63), 2**63 - 1)
WORDS = st.text(max_size=12)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
FLOATS32 = st.floats(allow_nan=False, allow_infinity=False, width=32)


@st.composite
def batches(draw):
    n, width = draw(st.integers(0, 8)), draw(st.integers(0, 4))
    column = st.lists(WORDS, min_size=n, max_size=n)
    # A first event has every category: one that no event has cannot be told from one that is not there.
    absent = st.lists(st.none() | WORDS, min_size=max(n - 1, 0), max_size=max(n - 1, 0))
    kinds = draw(st.lists(WORDS.filter(lambda name: name != "entity"), unique=True, max_size=3)) if n else []
    return EventBatch.from_columns(
        np.array(draw(st.lists(NUMBERS, min_size=n * width, max_size=n * width))).reshape(n, width),
        [f"f{i}" for i in range(width)],
        timestamps=np.array(draw(st.lists(LONGS, min_size=n, max_size=n)), dtype=np.int64),
        event_ids=draw(st.lists(WORDS, unique=True, min_size=n, max_size=n)),
        event_types=draw(column),
        entities=draw(column),
        categories={kind: [draw(WORDS), *draw(absent)] for kind in kinds},
    )


@st.composite
def anomalies(draw, numbers=FLOATS32):
    texts = st.lists(WORDS, max_size=4).map(tuple)
    return Anomaly(
        anomaly_id=draw(WORDS),
        detected_at=draw(LONGS),
        anomaly_type=draw(WORDS),
        severity=draw(st.floats(0, 1, width=32)),
        spike_pattern=tuple(draw(st.lists(numbers, max_size=5))),
        contributing_events=draw(texts),
        recommended_actions=draw(texts),
        entity=draw(WORDS),
        model=draw(WORDS),
        stream=draw(WORDS),
        score=draw(NUMBERS),
        explanation=draw(WORDS),
    )


@pytest.fixture(scope="session")
def any_batch():
    return batches()


@pytest.fixture(scope="session")
def any_anomaly():
    return anomalies()


@pytest.fixture
def batch():
    return EventBatch.from_columns(
        np.array([[1.0, -2.5], [3.0, 4.0]]),
        ["cpu", "load"],
        event_ids=["a", "b"],
        entities=["web", "db"],
        categories={"zone": ["eu", None]},
    )
