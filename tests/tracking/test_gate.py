import math
from dataclasses import replace

import numpy as np
import pytest

from snnlab.errors import ConfigError
from snnlab.evaluation import Report
from snnlab.evaluation.quality import Alarms, Quality, TypeQuality
from snnlab.tracking.gate import METRICS, Contest, check_metric, decide

CONTEST = Contest("web", "average_precision", "2", "1", "nab", "ab12", 100, 7)


def report(ap, types=()):
    alarms = Alarms.of(np.array([True, False]), np.array([1, 0]), np.array([0, 1_000_000]))
    by_type = {f"t{i}": TypeQuality(1, 1, value, value) for i, value in enumerate(types)}
    return Report("nab", 100, 1, 0, Quality(ap, ap, ap, ap, ap), alarms, by_type, None)


@pytest.mark.parametrize(
    ("challenger", "champion", "min_gain", "promoted"),
    [
        (0.9, 0.8, 0.0, True),
        (0.8, 0.8, 0.0, True),
        (0.79, 0.8, 0.0, False),
        (0.84, 0.8, 0.05, False),
        (0.86, 0.8, 0.05, True),
        (0.1, None, 0.0, True),
        (math.nan, None, 0.0, False),
        (math.nan, 0.1, 0.0, False),
        (0.1, math.nan, 0.0, True),
    ],
)
def test_a_worse_challenger_is_refused(challenger, champion, min_gain, promoted):
    contest = CONTEST if champion is not None else replace(CONTEST, champion=None)
    decision = decide(contest, report(challenger), None if champion is None else report(champion), min_gain)
    assert decision.promoted is promoted
    assert decision.reason
    if champion is not None and not math.isnan(challenger + champion):
        assert decision.gain == pytest.approx(challenger - champion)
    assert ("promoted" if promoted else "refused") in str(decision)


def test_the_champion_does_not_beat_itself():
    decision = decide(replace(CONTEST, champion="2"), report(0.9), report(0.9))
    assert not decision.promoted
    assert "champion already" in decision.reason


def test_mean_ap_is_over_types_where_they_are_known():
    contest = replace(CONTEST, metric="mean_ap", champion=None)
    assert decide(contest, report(0.9, (0.2, 0.4, math.nan)), None).challenger_value == pytest.approx(0.3)
    assert decide(contest, report(0.9), None).challenger_value == pytest.approx(0.9)


def test_every_metric_is_a_number_of_a_report():
    for name in METRICS:
        assert decide(replace(CONTEST, metric=name), report(0.6), report(0.5)).promoted


def test_an_unknown_metric_is_refused_by_name():
    with pytest.raises(ConfigError, match=r"'accuracy'.*mean_ap"):
        check_metric("accuracy")
