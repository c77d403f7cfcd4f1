import math

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from snnlab.serving.measures import Behind
from snnlab.serving.metrics import HELP, LATENCY_BUCKETS, Metrics


def samples(metrics):
    families = text_string_to_metric_families(metrics.text().decode())
    return {(s.name, *sorted(s.labels.values())): s.value for family in families for s in family.samples}


def test_numbers_and_text_agree():
    metrics = Metrics()
    metrics.observe("web", "hosts", events=100, types=["latency_spike", "latency_spike"], seconds=0.004)
    metrics.observe("web", "", events=1, types=["api_abuse"], seconds=0.0001)
    metrics.dead_letters("web", "hosts", 3)
    told, numbers = samples(metrics), metrics.snapshot().models[0]
    assert told["neuromorphic_events_processed_total", "hosts", "web"] == 100
    assert told["neuromorphic_anomalies_detected_total", "hosts", "latency_spike", "web"] == 2
    assert told["neuromorphic_dead_letters_total", "hosts", "web"] == 3
    assert told["neuromorphic_verdict_latency_seconds_count", "web"] == 2
    assert (numbers.events_processed, numbers.anomalies_detected, numbers.dead_letters) == (101, 3, 3)
    assert numbers.anomalies_by_type == {"api_abuse": 1, "latency_spike": 2}
    assert (numbers.latency_p50_seconds, numbers.latency_p99_seconds) == (0.0001, 0.005)


def test_accuracy_is_unknown_until_a_label_is():
    metrics = Metrics()
    metrics.observe("web", "", events=1, types=[], seconds=0.1)
    assert math.isnan(samples(metrics)["neuromorphic_model_accuracy", "web"])
    assert metrics.snapshot().models[0].accuracy is None
    metrics.labels("web", 3, 4)
    assert samples(metrics)["neuromorphic_model_accuracy", "web"] == 0.75


def test_firing_forgets_within_a_minute():
    now = [0.0]
    metrics = Metrics(clock=lambda: now[0])
    metrics.firing("web", np.array([0.8, 0.2]), events=1000, event_s=0.001)
    assert samples(metrics)["neuromorphic_neuron_utilization_percent", "web"] == 50
    assert samples(metrics)["neuromorphic_population_utilization_percent", "0", "web"] == 80
    assert samples(metrics)["neuromorphic_population_utilization_percent", "1", "web"] == 20
    assert samples(metrics)["neuromorphic_spike_rate_hertz", "web"] == pytest.approx(500)
    now[0] = 600.0
    metrics.firing("web", np.array([0.1, 0.1]), events=10, event_s=0.001)
    assert samples(metrics)["neuromorphic_neuron_utilization_percent", "web"] == pytest.approx(10, abs=0.5)


def test_streams_that_nobody_works_on_any_more_are_not_told_of():
    metrics = Metrics()
    metrics.behind({("web", "hosts"): Behind(3.0, 1.5, 0.25), ("web", "logs"): Behind(failing=True)})
    told, streams = samples(metrics), metrics.snapshot().streams
    assert told["neuromorphic_backlog_messages", "hosts", "web"] == 3
    assert told["neuromorphic_lag_seconds", "hosts", "web"] == 1.5
    assert told["neuromorphic_checkpoint_age_seconds", "hosts", "web"] == 0.25
    assert told["neuromorphic_worker_failing", "logs", "web"] == 1
    assert math.isnan(told["neuromorphic_lag_seconds", "logs", "web"])
    assert [(one.stream, one.backlog_messages, one.failing) for one in streams] == [
        ("hosts", 3, False),
        ("logs", None, True),
    ]
    metrics.behind({})
    left = {key[0] for key in samples(metrics) if "hosts" in key}
    assert left == {"neuromorphic_events_processed_total", "neuromorphic_dead_letters_total"}


def test_counters_stand_at_nought_before_the_first_event_so_that_an_increase_is_seen():
    metrics = Metrics()
    metrics.behind({("web", "hosts"): Behind()})
    metrics.dead_letters("web", "hosts", 2)
    metrics.behind({("web", "hosts"): Behind(), ("web", "logs"): Behind()})
    told = samples(metrics)
    assert told["neuromorphic_dead_letters_total", "hosts", "web"] == 2
    assert told["neuromorphic_dead_letters_total", "logs", "web"] == 0
    assert told["neuromorphic_events_processed_total", "logs", "web"] == 0


def test_every_metric_says_what_it_is():
    text = Metrics().text().decode()
    for name, told in HELP.items():
        assert f"# HELP {name} {told}" in text


def test_what_is_slower_than_every_bound_has_no_bound():
    metrics = Metrics()
    metrics.observe("web", "", events=1, types=[], seconds=2 * LATENCY_BUCKETS[-1])
    assert metrics.snapshot().models[0].latency_p50_seconds is None
