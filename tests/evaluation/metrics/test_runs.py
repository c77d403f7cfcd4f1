"""Metrics that count runs and groups: range F1, delay, false alarms, cards, cases."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnlab.errors import ConfigError
from snnlab.evaluation.metrics import (
    best_range_f1,
    card_precision_at_k,
    case_best_f1,
    detection_delay,
    false_alarms_per_day,
    false_alarms_per_events,
    point_counts,
    range_scores,
    segments,
)

FLAGS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=60).filter(
    lambda rows: any(truth for _, truth in rows)
)


def plain_overlap(runs, others):
    shares = []
    for a, b in runs:
        sizes = [min(b, d) - max(a, c) + 1 for c, d in others if c <= b and d >= a]
        shares.append(sum(sizes) / (b - a + 1) / max(len(sizes), 1))
    return np.mean(shares) if shares else 0.0


@settings(derandomize=True, deadline=None, max_examples=50)
@given(FLAGS)
def test_range_scores_are_the_definition(rows):
    flag, truth = np.array(rows).T
    result = range_scores(flag, truth)
    assert result.precision == pytest.approx(plain_overlap(segments(flag).tolist(), segments(truth).tolist()))
    assert result.recall == pytest.approx(plain_overlap(segments(truth).tolist(), segments(flag).tolist()))


def test_alpha_rewards_finding_a_run_at_all():
    flag, truth = np.zeros(20, int), np.zeros(20, int)
    truth[5:15], flag[5] = 1, 1
    assert range_scores(flag, truth).recall == pytest.approx(0.1)
    assert range_scores(flag, truth, alpha=1.0).recall == 1.0


def test_best_range_f1_finds_a_perfect_threshold():
    truth = np.zeros(300, int)
    truth[100:120] = 1
    assert best_range_f1(truth + np.linspace(0, 0.5, 300), truth) == pytest.approx(1.0)


def test_alpha_outside_its_range_is_refused():
    with pytest.raises(ConfigError, match="2"):
        range_scores([1], [1], alpha=2.0)


def test_delay_of_found_and_missed_runs():
    delay = detection_delay([1, 0, 1, 0, 0, 0], [0, 1, 1, 0, 1, 1])
    assert delay.runs == 2
    assert delay.found == 1
    assert delay.median_seconds == 1.0
    assert np.isnan(detection_delay([0], [1]).median_seconds)


def test_false_alarms_count_normal_events_only():
    flag, label = np.array([1, 1, 0, 0, 1]), np.array([1, 0, 0, 0, 0])
    assert false_alarms_per_events(flag, label, per=4) == 2.0
    assert false_alarms_per_day(flag, label, np.linspace(0, 86_400e6, 5)) == pytest.approx(2.0)
    assert np.isnan(false_alarms_per_day(flag, label, np.zeros(5)))


def test_a_card_found_is_blocked_afterwards():
    score, label, card, day = [5, 4, 5, 4], [1, 0, 1, 1], ["a", "b", "a", "c"], [0, 0, 1, 1]
    assert card_precision_at_k(score, label, card, day, k=1).by_day.tolist() == [1.0, 1.0]
    kept = card_precision_at_k(score, label, ["a", "b", "a", "b"], day, k=2, drop_found=False)
    assert kept.by_day.tolist() == [0.5, 1.0]
    assert kept.attainable.tolist() == [0.5, 1.0]


def test_case_score_is_its_most_anomalous_event():
    assert case_best_f1([0, 9, 1, 1, 8], [0, 1, 0, 0, 0], [1, 1, 2, 2, 3]).f1 == 1.0


def test_pooled_counts_add_up():
    total = point_counts([1, 0], [1, 1]) + point_counts([1, 0], [0, 0])
    assert (total.precision, total.recall, total.f1, total.far, total.mar) == (0.5, 0.5, 0.5, 0.5, 0.5)
