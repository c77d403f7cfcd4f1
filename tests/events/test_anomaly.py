import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnlab.errors import EventError
from snnlab.events import Anomaly, anomaly_id


def test_a_replay_gives_the_same_id_again():
    assert anomaly_id("e1", "sensor", 3) == anomaly_id("e1", "sensor", "3")
    assert len(anomaly_id("e1", "sensor", 3)) == 32


@settings(derandomize=True, deadline=None, max_examples=50)
@given(st.tuples(st.text(), st.text(), st.text()), st.tuples(st.text(), st.text(), st.text()))
def test_different_origins_give_different_ids(one, other):
    assert (anomaly_id(*one) == anomaly_id(*other)) == (one == other)


def test_parts_do_not_run_together():
    assert anomaly_id("a", "bc", "d") != anomaly_id("ab", "c", "d")


@pytest.mark.parametrize("severity", [-0.1, 1.5, math.nan])
def test_a_severity_is_within_0_and_1(severity):
    with pytest.raises(EventError, match=r"within 0\.\.1"):
        Anomaly("1", 0, "api_abuse", severity)


def test_scores_and_patterns_are_finite():
    with pytest.raises(EventError, match="finite"):
        Anomaly("1", 0, "api_abuse", 0.5, score=math.inf)
    with pytest.raises(EventError, match="finite"):
        Anomaly("1", 0, "api_abuse", 0.5, spike_pattern=(math.nan,))


def test_json_gives_the_anomaly_back():
    anomaly = Anomaly("1", 7, "api_abuse", 0.5, (0.25,), ("e1", "e2"), ("block the key",), entity="bob", score=4.5)
    assert Anomaly.from_json(json.loads(json.dumps(anomaly.to_json()))) == anomaly


def test_json_of_something_else_is_refused():
    with pytest.raises(EventError, match="unknown fields"):
        Anomaly.from_json({"id": "1"})
    with pytest.raises(EventError, match="not an anomaly"):
        Anomaly.from_json({"anomaly_id": "1"})
