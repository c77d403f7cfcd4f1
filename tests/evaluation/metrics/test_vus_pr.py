import time

import numpy as np
import pytest

from snnlab.errors import ConfigError
from snnlab.evaluation.metrics import average_precision, vus_pr


def plain_vus_pr(label, score, window, thresholds):
    """The published definition, a pass over the rows for each window and threshold."""
    edges = np.diff(label, prepend=0, append=0)
    runs = list(zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1, strict=True))
    falling, n = -np.sort(-score), len(label)
    areas = []
    for w in range(window + 1):
        extended = label.astype(float)
        for start, end in runs:
            for d in range(1, w // 2 + 1):
                for row in (start - d, end + d):
                    if 0 <= row < n:
                        extended[row] += np.sqrt(1 - d / w)
        extended = np.minimum(extended, 1)
        merged = []
        for start, end in runs:
            if merged and merged[-1][1] >= start - w // 2:
                merged[-1][1] = end + w // 2
            else:
                merged.append([max(start - w // 2, 0), end + w // 2])
        recall, area = 0.0, 0.0
        for rank in np.linspace(0, n - 1, thresholds).astype(int):
            flag = score >= falling[rank]
            soft = np.where(label == 1, 1.0, extended * flag)
            hit = (soft * flag).sum()
            found = np.mean([flag[a : b + 1].any() for a, b in merged])
            now = min(hit / ((label.sum() + soft.sum()) / 2), 1) * found
            area += (now - recall) * hit / flag.sum()
            recall = now
        areas.append(area)
    return np.mean(areas)


@pytest.mark.parametrize("seed", range(6))
def test_it_is_the_published_definition(seed):
    rng = np.random.default_rng(seed)
    label = np.repeat(rng.random(40) < 0.2, 7).astype(int) if seed % 2 else (rng.random(280) < 0.1).astype(int)
    score = (rng.random(280) + 0.4 * label).round(1 if seed > 3 else 9)
    assert vus_pr(score, label, 20, 40) == pytest.approx(plain_vus_pr(label, score, 20, 40), abs=1e-12)


def test_without_tolerance_and_with_one_run_of_one_row_it_is_average_precision():
    rng = np.random.default_rng(0)
    score, label = rng.random(250), np.zeros(250, int)
    label[77] = 1
    assert vus_pr(score, label, window=0) == pytest.approx(average_precision(score, label))


def test_a_flag_just_beside_the_run_counts_more_with_tolerance():
    label, score = np.zeros(500, int), np.zeros(500)
    label[200:220] = 1
    score[195:215] = 1.0
    assert vus_pr(score, label, window=40) > vus_pr(score, label, window=0)


def test_random_scores_get_little_more_than_the_share_of_anomalies():
    rng = np.random.default_rng(0)
    label = np.repeat(rng.random(400) < 0.05, 25).astype(int)
    assert vus_pr(rng.random(10_000), label) < 3 * label.mean()


def test_it_is_fast_enough_to_tune_with():
    rng = np.random.default_rng(0)
    label = np.repeat(rng.random(500) < 0.05, 50).astype(int)
    started = time.perf_counter()
    vus_pr(rng.random(25_000), label)
    assert time.perf_counter() - started < 5.0


def test_no_anomaly_no_figure():
    assert np.isnan(vus_pr([1, 2, 3], [0, 0, 0]))


def test_a_negative_window_is_refused():
    with pytest.raises(ConfigError, match="-1"):
        vus_pr([1, 2], [0, 1], window=-1)
