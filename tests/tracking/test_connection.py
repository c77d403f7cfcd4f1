import multiprocessing
from pathlib import Path

import pytest

from snnlab.errors import ConfigError
from snnlab.tracking import prepare, tracking_uri
from snnlab.tracking.connection import artifact_root, experiment


def test_the_store_is_chosen_by_argument_then_environment_then_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("SNNLAB_TRACKING_URI", raising=False)
    assert tracking_uri() == f"sqlite:///{tmp_path}/mlruns/mlflow.db"
    monkeypatch.setenv("SNNLAB_TRACKING_URI", "http://ours:5000")
    assert tracking_uri() == "http://ours:5000"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://theirs:5000")
    assert tracking_uri() == "http://theirs:5000"
    assert tracking_uri("sqlite:///x/y.db") == f"sqlite:///{tmp_path}/x/y.db"


@pytest.mark.parametrize("uri", ["mlruns", "file:///srv/mlruns", "./mlruns"])
def test_a_folder_is_no_store(uri):
    with pytest.raises(ConfigError, match="is a folder"):
        tracking_uri(uri)


def test_artifacts_lie_beside_the_store(uri, tmp_path):
    import mlflow

    assert artifact_root(uri) == (tmp_path / "mlruns" / "artifacts").as_uri()
    found = mlflow.MlflowClient().get_experiment(experiment("web"))
    assert found.artifact_location == artifact_root(uri)
    assert experiment("web") == found.experiment_id


def test_a_store_that_cannot_be_opened_is_named(tmp_path):
    path = tmp_path / "mlflow.db"
    path.write_bytes(b"no database" * 500)
    with pytest.raises(ConfigError, match=r"mlflow\.db.*cannot be opened"):
        prepare(f"sqlite:///{path}")


def test_processes_that_open_a_new_store_at_once_all_succeed(tmp_path):
    fork = multiprocessing.get_context("fork")
    workers = [fork.Process(target=prepare, args=(f"sqlite:///{tmp_path}/mlflow.db",)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert Path(tmp_path / "mlflow.db").exists()
