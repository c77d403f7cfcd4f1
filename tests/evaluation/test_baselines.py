"""Baselines are causal, finite and plain; and the generated streams are made so that the trivial ones fail on them."""

import numpy as np
import pytest

from snnlab.datasets import LabelledStream
from snnlab.datasets.generators import DOMAINS, generate
from snnlab.evaluation.baselines import BASELINES, TRIVIAL
from snnlab.evaluation.metrics import average_precision
from snnlab.events import EventBatch


@pytest.fixture(scope="module")
def stream():
    return generate("performance", seed=3, events=2_000)


@pytest.mark.parametrize("name", sorted(BASELINES))
def test_words_alone_are_all_alike(name):
    events = EventBatch.from_columns(np.empty((40, 0)), [], categories={"activity": ["register", "check"] * 20})
    score = BASELINES[name](LabelledStream("log", events, np.zeros(40, np.int8)))
    assert len(np.unique(score)) == 1


def cut(stream, n):
    """The first ``n`` events, as if no more had come yet."""
    return LabelledStream(stream.name, stream.events.slice(0, n), stream.label[:n], stream.kind[:n], train=stream.train)


@pytest.mark.parametrize("name", sorted(BASELINES))
def test_one_finite_score_an_event(stream, name):
    score = BASELINES[name](stream)
    assert score.shape == (2_000,)
    assert score.dtype == np.float64
    assert np.isfinite(score).all()


@pytest.mark.parametrize("name", sorted(BASELINES))
def test_the_future_changes_nothing(stream, name):
    whole, part = BASELINES[name](stream), BASELINES[name](cut(stream, 1_200))
    np.testing.assert_allclose(part, whole[:1_200], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", sorted(set(BASELINES) - {"flag_everything"}))
def test_a_level_far_out_scores_above_the_rest(name):
    values = np.random.default_rng(0).normal(size=(1_000, 2))
    values[700:710] += 30.0
    stream = LabelledStream("level", EventBatch.from_columns(values, ["a", "b"]), np.zeros(1_000, np.int8), train=500)
    score = BASELINES[name](stream)
    assert 700 <= int(np.argmax(score[600:])) + 600 <= 715


@pytest.mark.parametrize("name", sorted(BASELINES))
@pytest.mark.parametrize("n", [0, 1, 10])
def test_streams_of_few_events_and_constant_columns_are_fine(name, n):
    stream = LabelledStream("flat", EventBatch.from_columns(np.ones((n, 2)), ["a", "b"]), np.zeros(n, np.int8))
    score = BASELINES[name](stream)
    assert score.shape == (n,)
    assert np.isfinite(score).all()


@pytest.mark.parametrize("seed", [31, 32])
@pytest.mark.parametrize("domain", sorted(DOMAINS))
def test_trivial_scores_fail_on_every_generated_type(domain, seed):
    """The bar is eight of the sixteen types below 0.6; none of the sixteen is meant to come near it."""
    stream = generate(domain, seed)
    kind, judged = np.array(stream.kind), np.arange(20_000) >= stream.train
    for name, score in TRIVIAL.items():
        found = score(stream)
        for anomaly in sorted(set(stream.kind) - {""}):
            rows = judged & np.isin(kind, ("", anomaly))
            assert average_precision(found[rows], kind[rows] == anomaly) < 0.6, (name, anomaly)
