import pytest

from snnlab.errors import ConfigError, DataError, ModelNotFound
from snnlab.tracking import load_detector, log_detector, promote, registered
from snnlab.tracking.promotion import history


def test_the_first_model_becomes_champion_and_a_worse_one_is_refused(uri, detector, stream, monkeypatch):
    log_detector(detector, "sensor", trained_on=stream.training)
    first = promote("sensor", stream, metric="roc_auc")
    assert first.promoted
    assert first.champion is None
    assert registered("sensor", "champion").version == "1"

    class Blind:
        """The same detector, but its scores say the opposite."""

        def __init__(self, seeing):
            self.seeing = seeing

        def process(self, batch, learn=True):
            from dataclasses import replace

            verdicts = self.seeing.process(batch, learn)
            return replace(verdicts, score=-verdicts.score)

    log_detector(detector, "sensor", trained_on=stream.training)
    load = load_detector
    monkeypatch.setattr(
        "snnlab.tracking.promotion.load_detector",
        lambda model, uri: Blind(load(model)) if model.endswith("/2") else load(model),
    )
    second = promote("sensor", stream, metric="roc_auc")
    assert not second.promoted
    assert second.gain < 0
    assert second.champion == "1"
    assert registered("sensor", "champion").version == "1"
    assert registered("sensor", "challenger").version == "2"
    kept = history(uri)
    assert kept.entries("sensor") == [first, second]
    assert kept.verify() == 2


def test_a_model_without_a_challenger_says_what_to_do(uri, stream):
    with pytest.raises(ModelNotFound, match="train it first"):
        promote("sensor", stream)


def test_a_metric_is_checked_before_anything_is_replayed(uri, stream):
    with pytest.raises(ConfigError, match="accuracy"):
        promote("sensor", stream, metric="accuracy")


def test_without_labelled_anomalies_nothing_is_promoted(uri, detector, stream):
    log_detector(detector, "sensor", trained_on=stream.training)
    with pytest.raises(DataError, match="was trained on"):
        promote("sensor", stream.training)
    normal = stream.test.slice(0, int(stream.test.label.argmax()))
    decision = promote("sensor", normal)
    assert not decision.promoted
    assert "no labelled anomaly" in decision.reason
    assert registered("sensor", "champion") is None
