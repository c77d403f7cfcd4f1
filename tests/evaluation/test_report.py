import json
from dataclasses import replace

import numpy as np
import pytest

from snnlab.errors import ConfigError, DataError
from snnlab.evaluation import confusion, evaluate, run
from snnlab.evaluation.metrics import average_precision

SIMPLE = ("flag_everything", "frozen_z")


@pytest.fixture
def report(detector, stream):
    return evaluate(run(detector, stream), stream, SIMPLE)


def test_training_rows_are_not_judged(report, stream, detector):
    assert (report.events, report.anomalies, report.rejected) == (500, 3, 0)
    # The step into and out of each of the three rows is flagged.
    assert report.alarms.flagged == 6
    assert report.alarms.precision == 0.5
    assert report.alarms.recall == 1.0
    assert report.alarms.false_alarms_per_2000_normal == pytest.approx(3 * 2000 / 497)
    assert report.alarms.median_delay_events == 0.0


def test_verdicts_of_the_rows_after_training_are_enough(report, detector, stream):
    detector.process(stream.training.events)
    assert evaluate(detector.process(stream.test.events), stream, ()).quality == report.quality


def test_baselines_stand_beside_the_result(report):
    assert tuple(report.baselines) == SIMPLE
    assert report.baselines["flag_everything"].average_precision == pytest.approx(3 / 500)
    assert report.baselines["frozen_z"].average_precision == 1.0


def test_each_type_is_judged_against_normal_and_against_the_rest(detector, stream):
    verdicts = run(detector, stream)
    report = evaluate(verdicts, stream, ())
    drop = report.by_type["drop"]
    assert (drop.events, drop.flagged) == (1, 1)
    # The fake names everything a jump, so the drop counts for its own type only a tenth.
    assert drop.ap_against_rest < drop.ap_against_normal
    named = np.array(verdicts.type, object)
    kind = np.array(stream.kind, object)
    damped = np.where((named != "") & (named != "drop"), verdicts.score * 0.1, verdicts.score)
    assert drop.ap_against_rest == average_precision(damped[100:], (kind == "drop")[100:])


def test_rejected_events_are_counted_and_left_out(detector, stream):
    verdicts = run(detector, stream)
    score = verdicts.score.copy()
    score[200:210] = np.nan
    report = evaluate(replace(verdicts, score=score), stream, SIMPLE)
    assert (report.events, report.rejected) == (490, 10)


def test_json_is_strict_and_html_escapes(report):
    text = json.dumps(report.with_ablations({"no <reservoir>": report.quality}).to_json(), allow_nan=False)
    assert json.loads(text)["ablations"]["no <reservoir>"]["roc_auc"] == report.quality.roc_auc
    html = report.with_ablations({"no <reservoir>": report.quality})._repr_html_()
    assert "no &lt;reservoir&gt;" in html
    assert "<table>" in html


def test_a_stream_without_anomalies_has_gaps_and_no_error(detector, stream):
    normal = replace(stream, label=np.zeros(600, np.int8), kind=[""] * 600)
    report = evaluate(run(detector, normal), normal, SIMPLE)
    assert report.confusion is None
    assert report.to_json()["quality"]["average_precision"] is None
    assert " - " in str(report) or " -\n" in str(report)


def test_verdicts_of_another_run_are_refused(detector, stream):
    with pytest.raises(DataError, match="7 verdicts for 600 events"):
        evaluate(detector.process(stream.events.slice(0, 7)), stream)


def test_confusion_counts_detections_misses_and_false_alarms():
    flag = [1, 1, 1, 0, 1]
    table = confusion(flag, ["a", "b", "c", "", "a"], ["a", "a", "", "b", "b"])
    assert table.truth == ("a", "b")
    assert table.named == ("a", "b", "c")
    assert table.counts.tolist() == [[1, 1, 0], [1, 0, 0]]
    assert table.missed.tolist() == [0, 1]
    assert table.false_alarms.tolist() == [0, 0, 1]
    assert table.by_type == {"a": 0.5, "b": 0.0}
    assert table.accuracy == pytest.approx(1 / 3)
    assert table.mean_accuracy == 0.25


def test_confusion_without_a_detection_has_no_accuracy():
    assert np.isnan(confusion([0], [""], ["a"]).accuracy)
    assert np.isnan(confusion([0], [""], ["a"]).mean_accuracy)


def test_confusion_wants_one_of_each():
    with pytest.raises(DataError, match="1 flags"):
        confusion([1], [], ["a"])


def test_an_unknown_baseline_is_refused_by_name(detector, stream):
    with pytest.raises(ConfigError, match="'luck'"):
        evaluate(run(detector, stream), stream, ["luck"])
