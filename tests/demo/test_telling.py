import numpy as np

from snnlab.datasets.labelled import LabelledStream
from snnlab.demo import telling
from snnlab.demo.pipelines import Outcome
from snnlab.events import EventBatch


def anomaly(event, kind, severity):
    return {
        "contributing_events": [event],
        "anomaly_type": kind,
        "severity": severity,
        "explanation": "pump-1: unusual pressure",
        "recommended_actions": ["Look at the valve", "Call someone", "Wait"],
    }


def test_alarms_stand_beside_the_truth():
    events = EventBatch.from_columns(np.ones((4, 1)), ["pressure"])
    stream = LabelledStream("pumps", events, np.array([0, 1, 1, 0], np.int8), ["", "leak", "leak", ""])
    found = [anomaly("1", "leak", 0.7), anomaly("2", "wear", 0.9), anomaly("3", "wear", 0.6)]
    told = telling.found("pumps", stream, found)
    assert "4 unseen events, 2 of them anomalous; 3 alarms, 1 of them false" in told
    assert [line.split() for line in told.splitlines() if line.strip().startswith("leak")] == [["leak", "2", "2", "1"]]
    assert "severity 0.90  wear (truth: leak)" in told
    assert "do:  Look at the valve; Call someone" in told
    assert telling.truth_of(found[2], stream) == "normal"


def test_the_gate_is_told():
    decision = {"candidate": "with reservoir", "challenger_value": None, "promoted": False, "reason": "it is worse"}
    told = telling.gate([Outcome("sensor", {}, {}, (decision,))])
    assert "refused: it is worse" in told
