import numpy as np
import pytest

from snnlab.detectors import Detector
from snnlab.errors import ModelFormatError, ModelNotFound, UntrustedCode
from snnlab.evaluation import run as prequential
from snnlab.tracking import load_detector, log_detector, registered
from snnlab.tracking.connection import experiment
from snnlab.tracking.loading import digest_of_bytes, load_bytes
from snnlab.tracking.signature import columns_of, frame_of_verdicts


def frame_of(stream):
    import pandas as pd

    batch = stream.events
    columns = {name: batch.column(name) for name in batch.names}
    columns |= {name: batch.category(name).words() for name in batch.category_names}
    own = {"event_id": batch.event_ids, "timestamp": batch.timestamps, "entity": batch.entities.words()}
    return pd.DataFrame({**columns, **own, "event_type": batch.event_types.words()})


def test_a_detector_comes_back_from_the_registry_as_it_was(uri, detector, stream):
    version = log_detector(detector, "sensor", trained_on=stream.training)
    assert version.uri == "models:/sensor/1"
    assert version.aliases == ("challenger",)
    assert version.digest == digest_of_bytes(detector.save())
    assert version.until_us == stream.training.events.timestamps.max()
    back = load_detector("models:/sensor@challenger")
    expected = prequential(detector, stream.test).score
    np.testing.assert_array_equal(prequential(back, stream.test).score, expected)
    assert registered("sensor", "champion") is None


def test_plain_mlflow_scores_a_frame_as_the_detector_does(uri, detector, stream):
    import mlflow

    log_detector(detector, "sensor")
    model = mlflow.pyfunc.load_model("models:/sensor@challenger")
    test = stream.test.slice(0, 100)
    frame = frame_of(test)
    got = model.predict(frame)
    expected = frame_of_verdicts(detector.process(test.events, learn=False))
    np.testing.assert_array_equal(got["score"], expected["score"])
    assert got["event_id"].tolist() == test.events.event_ids
    assert list(got.columns) == list(expected.columns)
    needed = {column.name for column in model.metadata.signature.inputs if column.required}
    assert needed == {name for part in columns_of(detector) for name in part}
    with pytest.raises(mlflow.exceptions.MlflowException, match="missing inputs"):
        model.predict(frame.drop(columns=[stream.events.names[0]]))


def test_the_run_holds_the_whole_configuration(uri, detector):
    import mlflow

    version = log_detector(detector, "sensor")
    params = mlflow.MlflowClient().get_run(version.run_id).data.params
    assert params["domain.name"] == "sensor"
    assert params["domain.network.neuron.tau_membrane"] == "20.0"


def test_a_model_whose_file_changed_is_refused(uri, detector, stream):
    import mlflow

    log_detector(detector, "sensor")
    detector.process(stream.test.events.slice(0, 50))
    folder = mlflow.artifacts.download_artifacts("models:/sensor/1")
    detector.save(f"{folder}/artifacts/sensor.snn")
    with pytest.raises(ModelFormatError, match="changed since"):
        load_detector("models:/sensor/1")
    with pytest.raises(Exception, match="not the model that was logged"):
        mlflow.pyfunc.load_model("models:/sensor/1")


@pytest.mark.parametrize(
    "model", ["models:/sensr@champion", "models:/sensor/7", "models:/sensor@best", "models:/sensor"]
)
def test_a_model_that_is_not_there_is_named(uri, detector, model):
    log_detector(detector, "sensor")
    with pytest.raises(ModelNotFound, match="sens"):
        load_detector(model)


def test_a_path_loads_and_a_wrong_one_is_named(uri, detector, tmp_path):
    detector.save(tmp_path / "m.snn")
    assert load_detector(tmp_path / "m.snn").n_events == detector.n_events
    with pytest.raises(ModelNotFound, match=r"nowhere\.snn"):
        load_detector(tmp_path / "nowhere.snn")


def test_code_of_a_user_runs_only_where_the_registry_vouches_for_it(uri, detector, monkeypatch, tmp_path):
    import mlflow

    version = log_detector(detector, "sensor")
    trusted = []

    def load(source, *, trust_code=False):
        trusted.append(trust_code)
        if not trust_code:
            raise UntrustedCode("carries code")
        return detector

    monkeypatch.setattr(Detector, "load", load)
    (tmp_path / "m.snn").write_bytes(load_bytes("models:/sensor/1"))
    load_detector("models:/sensor/1")
    mlflow.pyfunc.load_model("models:/sensor/1")
    assert trusted == [True, True]
    with pytest.raises(UntrustedCode):
        load_detector(tmp_path / "m.snn")
    mlflow.MlflowClient().delete_model_version("sensor", version.version)
    logged = mlflow.search_logged_models([experiment("sensor")], output_format="list")[0]
    with pytest.raises(UntrustedCode):
        mlflow.pyfunc.load_model(logged.model_uri)
