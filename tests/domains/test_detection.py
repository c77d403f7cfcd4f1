"""The promise of the demo: untrained, on a stream never seen, each domain finds and names its four types."""

from functools import cache

import numpy as np
import pytest

from snnlab.datasets.generators import generate
from snnlab.detectors import Detector
from snnlab.domains import DOMAINS
from snnlab.evaluation.report import Report, evaluate

SEED = 71
TYPES = [(name, kind.name) for name, domain in DOMAINS.items() for kind in domain.types]


@cache
def report(name: str) -> tuple[Report, float]:
    """The report of one stream, and words spoken per 2,000 normal events."""
    stream = generate(name, SEED)
    verdicts = Detector.for_events(name, stream.events).process(stream.events)
    normal = (np.array(stream.kind) == "") & (np.arange(len(stream.events)) >= stream.train)
    return evaluate(verdicts, stream, baselines=()), 2000 * float(verdicts.spoken[normal].mean())


@pytest.mark.parametrize(("name", "kind"), TYPES)
def test_every_type_is_ranked_above_normal_events_and_told_from_the_rest(name: str, kind: str) -> None:
    found = report(name)[0].by_type[kind]
    assert found.ap_against_normal >= 0.8
    assert found.ap_against_rest >= 0.8
    assert found.flagged >= 0.75 * found.events


@pytest.mark.parametrize("name", DOMAINS)
def test_detections_are_named_rightly(name: str) -> None:
    table = report(name)[0].confusion
    assert table is not None
    assert table.mean_accuracy >= 0.8


@pytest.mark.parametrize("name", DOMAINS)
def test_false_alarms_are_rare_at_the_default_threshold(name: str) -> None:
    measured, spoken = report(name)
    assert spoken <= 1.0
    assert measured.alarms.false_alarms_per_2000_normal <= 1.0
