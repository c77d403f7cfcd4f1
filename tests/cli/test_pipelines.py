import json
import shutil

import pytest

from snnlab.detectors import Detector
from snnlab.tracking import prepare


@pytest.fixture(scope="module")
def migrated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mlflow")
    prepare(f"sqlite:///{folder}/mlflow.db")
    return folder / "mlflow.db"


@pytest.fixture
def place(migrated, tmp_path, monkeypatch):
    """A working directory with a tracking store of its own."""
    monkeypatch.chdir(tmp_path)
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "SNNLAB_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "mlruns").mkdir()
    shutil.copy(migrated, tmp_path / "mlruns" / "mlflow.db")
    return tmp_path


@pytest.mark.slow
def test_the_road_from_a_file_to_a_champion_that_scores(snnlab, files, place):
    data = ["--domain", "security", "--data", files / "train.csv", "--name", "gate"]
    done = snnlab("train", *data, "--save", "model.snn", "--json", "train.json")
    assert done.code == 0, done.err
    assert "left out" in done.out
    assert Detector.load(place / "model.snn").n_events > 2900
    assert list((place / "mlruns" / "notebooks").glob("train-security.ipynb"))
    rows = {row["id"]: row["value"] for row in json.loads((place / "train.json").read_text())["rows"]}
    assert rows["train.left_out"] > 0
    judged = ["--domain", "security", "--name", "gate", "--data", files / "test.csv"]
    done = snnlab("promote", *judged, "--strict")
    assert done.code == 0, done.err
    assert "promoted" in done.out
    done = snnlab("score", files / "test.csv", "--model", "models:/gate@champion")
    assert done.code == 0, done.err
    assert "ROC-AUC" in done.out
    again = snnlab("promote", *judged, "--strict")
    assert again.code == 1
    assert "champion already" in again.out


def test_without_tracking_nothing_is_tracked(snnlab, files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = snnlab("train", "--domain", "security", "--data", files / "train.csv", "--save", "m.snn", "--no-track")
    assert done.code == 0, done.err
    assert [path.name for path in tmp_path.iterdir()] == ["m.snn"]


def test_wrong_arguments_are_refused_before_a_notebook_is_started(refused, files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "security" in refused("train", "--domain", "secrity")
    assert "no public set" in refused("evaluate", "--domain", "sensor", "--data", "nothing.csv")
    assert "standard input" in refused("train", "--domain", "sensor", "--data", "-")
    assert "--save" in refused("train", "--domain", "sensor", "--no-track")
    missing = tmp_path / "no" / "m.snn"
    told = refused("train", "--domain", "security", "--data", files / "train.csv", "--no-track", "--save", missing)
    assert "cannot be written" in told
    assert not (tmp_path / "mlruns").exists()
