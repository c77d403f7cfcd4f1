"""Verdicts as they are shown and published."""

import numpy as np
import pytest

from snnlab.detectors import Verdicts
from snnlab.detectors.naming import Naming
from snnlab.evaluation.prequential import concatenated
from snnlab.events import EventBatch
from snnlab.events.anomaly import anomaly_id


@pytest.fixture
def verdicts():
    score = np.array([0.1, 9.0, np.nan, 4.0, 5.0])
    return Verdicts(
        events=EventBatch.from_columns(
            np.zeros((5, 0)), [], event_ids=["a", "b", "c", "d", "<e>"], entities=["x", "y", "x", "<script>", "y"]
        ),
        score=score,
        threshold=3.3,
        alarm=np.zeros(5),
        word=np.array([0.0, 9.0, 0.0, 4.0, 0.0]),
        rarities=np.zeros((5, 0)),
        naming=Naming(("heat", "wear"), np.eye(2)),
        groups=np.array([[0, 0], [4.5, 1.5], [0, 0], [0.2, 0.3], [2.0, 7.0]], float),
        group_names=("oil", "rms"),
        pattern=np.full((5, 2), 0.25, np.float32),
        actions={"heat": ("cool it",)},
    )


def test_the_short_form_counts(verdicts):
    assert repr(verdicts) == "Verdicts(5 events, 3 anomalies, 2 alarms)"
    assert len(verdicts) == 5


def test_what_follows_from_the_scores(verdicts):
    assert verdicts.anomaly.tolist() == [False, True, False, True, True]
    assert verdicts.spoken.tolist() == [False, True, False, True, False]
    assert verdicts.type == ["", "heat", "", "wear", "wear"]
    assert verdicts.severity[[1, 2]].tolist() == [np.float32(9.0 / 12.3), 0.0]


def test_pieces_follow_each_other(verdicts):
    twice = concatenated([verdicts, verdicts])
    assert len(twice) == 10
    assert twice.event_id == [*verdicts.event_id, *verdicts.event_id]
    assert twice.type == [*verdicts.type, *verdicts.type]
    assert twice.entity == [*verdicts.entity, *verdicts.entity]


def test_the_strongest_come_first_and_only_anomalies(verdicts):
    assert verdicts.strongest().tolist() == [1, 4, 3]
    assert verdicts.strongest(1).tolist() == [1]


def test_why_names_groups_by_their_strength(verdicts):
    assert verdicts.why(1) == "y: unusual oil (4.5 sd), rms (1.5 sd)"
    assert verdicts.why(4) == "y: unusual rms (7.0 sd), oil (2.0 sd)"
    assert verdicts.why(3) == "<script>: unusual many features a little"
    assert verdicts.cause(4) == "rms"


def test_the_table_is_escaped_and_holds_the_anomalies(verdicts):
    page = verdicts._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "&lt;e&gt;" in page
    assert page.count("<tr>") == 4
    assert "9.0" in page
    assert "nan" not in page


def test_spoken_anomalies_are_published_with_ids_that_a_replay_gives_again(verdicts):
    first, second = verdicts.to_anomalies("pump", "plant", 3)
    assert first.anomaly_id == anomaly_id("b", "pump", 3)
    assert first.anomaly_id != verdicts.to_anomalies("pump", "plant", 4)[0].anomaly_id
    assert (first.entity, first.model, first.stream, first.detected_at) == ("y", "pump", "plant", 1_000_000)
    assert first.score == 9.0
    assert first.severity == pytest.approx(9.0 / 12.3)
    assert first.spike_pattern == (0.25, 0.25)
    assert first.recommended_actions == ("cool it",)
    assert second.recommended_actions == ()
    assert second.contributing_events == ("d",)
