"""The autoencoder must be a fair peer: it detects, in any batches, and remembers each entity's own events only."""

import numpy as np
import pytest

from snnlab.bench.peers import lstm
from snnlab.bench.peers.habits import Habits
from snnlab.bench.peers.lstm import LstmAutoencoder
from snnlab.datasets.generators import generate
from snnlab.evaluation.metrics import average_precision
from snnlab.events import EventBatch

pytestmark = pytest.mark.skipif(not lstm.installed(), reason="PyTorch is not installed")


@pytest.fixture(scope="module")
def day():
    return generate("sensor", seed=1, events=4_000)


@pytest.fixture
def autoencoder(day):
    with lstm.threads(1):
        return LstmAutoencoder.taught(day.training.events, 4, by={"dimension_mm": "product"}, epochs=4)


def test_it_finds_what_is_injected(day, autoencoder):
    assert average_precision(autoencoder.scores(day.test.events), day.test.label) > 0.9
    assert autoencoder.process(day.test.events).sum() > 5


def test_a_thousandth_of_what_was_taught_lies_above_the_threshold(day, autoencoder):
    autoencoder.past[:] = 0.0
    above = autoencoder.process(day.training.events)
    assert 0 < above.sum() <= 2


def test_scores_do_not_depend_on_batches_or_on_the_future(day, autoencoder):
    stood = autoencoder.past.copy()
    whole = autoencoder.scores(day.test.events.slice(0, 300))
    autoencoder.past[:] = stood
    pieces = [autoencoder.scores(day.test.events.slice(at, min(at + 7, 300))) for at in range(0, 300, 7)]
    assert np.allclose(np.concatenate(pieces), whole, rtol=1e-3, atol=1e-5)


def test_an_event_changes_no_other_entity_s_window(day, autoencoder):
    before = autoencoder.past.copy()
    event = day.events.slice(0, 1)
    autoencoder.scores(event)
    (changed,) = np.flatnonzero((autoencoder.past != before).any(axis=(1, 2)))
    assert changed == autoencoder.habits.entities[event.entities.words()[0]]


def test_multiplications_and_bytes_are_those_of_the_layers(autoencoder):
    inputs = autoencoder.past.shape[2]
    weights = [weight for part in autoencoder.layers for weight in part.parameters()]
    assert lstm.parameter_bytes(4, inputs) == sum(weight.nbytes for weight in weights)
    matrices = sum(weight.numel() for weight in weights[:-2] if weight.ndim == 2)
    assert autoencoder.multiplications == autoencoder.window * matrices + 4 * inputs


def test_threads_are_put_back():
    import torch

    before = torch.get_num_threads()
    with lstm.threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


def test_what_was_never_seen_is_held_against_all():
    seen = EventBatch.from_columns(np.array([[0.0], [2.0]]), ["load"], entities=["a", "b"])
    habits = Habits.of(seen, {})
    values, rows = habits.standings(EventBatch.from_columns(np.array([[2.0]]), ["load"], entities=["c"]))
    assert rows.tolist() == [2]
    assert values[0, 0] == pytest.approx(1.0)


def test_a_column_may_be_held_against_a_category():
    seen = EventBatch.from_columns(
        np.array([[1.0], [3.0], [11.0], [13.0]]), ["size"], categories={"product": ["x", "x", "y", "y"]}
    )
    assert Habits.of(seen, {"size": "product"}).standings(seen)[0][:, 0].tolist() == [-1.0, 1.0, -1.0, 1.0]
