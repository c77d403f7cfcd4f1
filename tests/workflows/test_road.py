"""Train, evaluate, promote and retrain on small streams, in a registry of their own."""

import json
from hashlib import sha256

import numpy as np
import pytest

from snnlab.datasets.generators import generate
from snnlab.datasets.labelled import LabelledStream
from snnlab.detectors import Detector
from snnlab.domains import AnomalyType, Domain, ReadoutSpec
from snnlab.errors import DataError, EventError, ModelNotFound, PromotionRefused
from snnlab.evaluation import run as prequential
from snnlab.events import EventBatch
from snnlab.features import Feature
from snnlab.tracking import load_detector, registered
from snnlab.workflows import champions, evaluate, promote, retrain, train
from snnlab.workflows.results import MIME


@pytest.fixture
def trained(uri, stream, tmp_path):
    return train("sensor", stream, reservoir=False, save=tmp_path / "sensor.snn")


def test_training_learns_the_training_part_and_registers_what_came_of_it(trained, stream, tmp_path):
    assert trained.events == trained.detector.n_events == stream.train
    assert trained.version.aliases == ("challenger",)
    assert (tmp_path / "sensor.snn").read_bytes() == trained.detector.save()
    assert trained.to_json()["digest"] == f"sha256:{sha256(trained.detector.save()).hexdigest()}"


def test_training_is_the_same_for_the_same_seed(uri, stream):
    again = [train("sensor", stream, name=name, seed=5).version.digest for name in ("a", "b")]
    assert again[0] == again[1]


def test_the_network_can_be_changed_by_name(uri, stream):
    done = train("sensor", stream, network={"reservoir.neurons": 64})
    assert done.detector.plan.network.n_neurons == 64


def test_without_a_mark_everything_that_is_not_labelled_anomalous_is_training(uri, stream):
    done = train("sensor", stream.test, reservoir=False)
    assert done.events == int((stream.test.label == 0).sum())
    assert done.fitted.left_out == int(stream.test.label.sum()) > 0
    with pytest.raises(EventError, match="no events"):
        train("sensor", stream.slice(0, 0))


def test_evaluation_judges_what_follows_and_tracks_it(trained, stream):
    import mlflow

    done = evaluate("models:/sensor@challenger", stream, baselines=("ewma_z",))
    assert done.report.events == len(stream.test)
    expected = prequential(Detector.load(trained.detector.save()), stream.test).score
    np.testing.assert_array_equal(done.verdicts.score, expected)
    run = mlflow.MlflowClient().get_run(done.run_id)
    assert run.data.metrics["detector.average_precision"] == done.report.quality.average_precision
    assert run.data.metrics["baseline.ewma_z.average_precision"] > 0
    named = {found.path for found in mlflow.MlflowClient().list_artifacts(done.run_id, "figures")}
    assert named == {"figures/scores.png", "figures/precision_recall.png", "figures/confusion.png"}
    assert done._repr_mimebundle_()[MIME]["model"] == "models:/sensor@challenger"
    json.dumps(done.to_json(), allow_nan=False)


def test_the_ablations_stand_beside_the_model(uri, stream):
    train("sensor", stream)
    done = evaluate("models:/sensor@challenger", stream, baselines=(), ablations=True)
    assert set(done.report.ablations) == {"no reservoir", "no plasticity"}
    train("sensor", stream, name="bare", reservoir=False)
    bare = evaluate("models:/bare@challenger", stream, baselines=())
    assert done.report.ablations["no reservoir"] == bare.report.quality
    assert done.metrics["ablation.no_reservoir.average_precision"] == bare.report.quality.average_precision


def test_a_file_evaluates_as_the_registered_model_does(trained, stream, tmp_path):
    by_path = evaluate(str(tmp_path / "sensor.snn"), stream, baselines=())
    by_name = evaluate(trained.version.uri, stream, baselines=())
    np.testing.assert_array_equal(by_path.verdicts.score, by_name.verdicts.score)


def test_a_model_is_not_judged_on_what_it_learnt_or_without_labels(trained, stream, tmp_path):
    with pytest.raises(DataError, match="was trained on"):
        evaluate("models:/sensor@challenger", stream.training)
    bare = stream.slice(0, 100)
    bare.meta["labelled"] = False
    with pytest.raises(DataError, match="no labels"):
        evaluate("models:/sensor@challenger", bare)
    with pytest.raises(DataError, match="no labels"):
        promote("sensor", bare)
    bare.meta["labelled"] = True


def test_another_day_of_the_world_is_scored_not_rejected_as_late(trained):
    done = evaluate("models:/sensor@challenger", generate("sensor", 2, 1500, world=1), baselines=())
    assert done.report.rejected == 0
    assert done.report.events == 1050


def test_the_first_is_promoted_and_the_same_again_is_not(trained, stream):
    first = promote("sensor", stream)
    assert first.decision.promoted
    assert registered("sensor", "champion").version == "1"
    again = promote("sensor", stream)
    assert not again.decision.promoted
    assert "champion already" in again.to_json()["reason"]
    json.dumps(again.to_json(), allow_nan=False)
    with pytest.raises(PromotionRefused, match="refused"):
        promote("sensor", stream, strict=True)


def test_a_challenger_that_must_be_much_better_is_refused(trained, stream):
    promote("sensor", stream)
    train("sensor", stream, reservoir=False)
    refused = promote("sensor", stream, min_gain=0.5)
    assert not refused.decision.promoted
    assert "is needed" in refused.decision.reason
    assert registered("sensor", "champion").version == "1"


def test_the_champion_learns_on_and_has_to_pass_the_gate(trained, stream):
    with pytest.raises(ModelNotFound, match="no @champion"):
        retrain("sensor", stream)
    promote("sensor", stream)
    newer = generate("sensor", 2, 1500, world=1)
    done = retrain("sensor", newer)
    assert done.training.detector.n_events == stream.train + newer.train
    assert done.training.rejected == 0
    assert done.promotion.decision.challenger == "2"
    assert done.promotion.decision.events == len(newer.test)
    assert load_detector("models:/sensor@challenger").n_events == stream.train + newer.train
    json.dumps(done.to_json(), allow_nan=False)


def test_champions_come_with_the_bytes_that_were_registered(trained, stream):
    with pytest.raises(ModelNotFound, match="no model has a @champion"):
        champions()
    promote("sensor", stream)
    (found,) = champions()
    assert found.content == trained.detector.save()
    assert found.digest == trained.version.digest
    assert (found.name, found.version, found.domain, found.code) == ("sensor", "1", "sensor", False)
    with pytest.raises(ModelNotFound, match="shop"):
        champions(["shop"])


def test_a_domain_of_ones_own_takes_the_same_road(uri):
    rng = np.random.default_rng(0)
    flow = rng.normal(5.0, 0.2, (900, 1))
    flow[[700, 800]] = 12.0
    events = EventBatch.from_columns(flow, ["flow"], entities=["pump-1" if i % 2 else "pump-2" for i in range(900)])
    label = (flow[:, 0] > 10).astype(np.int8)
    stream = LabelledStream("pumps", events, label, ["burst" if x else "" for x in label], train=600)
    pumps = Domain(
        name="pumps",
        features=(Feature(name="flow", column="flow", group="flow"),),
        types=(AnomalyType(name="burst", signature={"flow": 1.0}),),
        readouts=(ReadoutSpec(kind="level"),),
    )
    train(pumps, stream, reservoir=False)
    assert promote("pumps", stream).decision.promoted
    assert load_detector("models:/pumps@champion").domain.types[0].name == "burst"
