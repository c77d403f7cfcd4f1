import pytest

from snnlab.tracking import create_run, finish_run, run
from snnlab.tracking.runs import flattened


def test_nested_settings_become_dotted_names():
    assert flattened({"a": {"b": {"c": 1}, "d": None}, "e": "x" * 600})["a.b.c"] == "1"
    assert len(flattened({"e": "x" * 6000})["e"]) == 500
    assert flattened({"a": {}}) == {"a": "{}"}


def test_a_run_keeps_what_it_is_told(uri):
    import mlflow

    with run("web", "train web") as opened:
        opened.params({"network": {"neurons": 256}})
        opened.metrics({"ap": 0.5, "auc": float("nan"), "delay": float("inf")})
        opened.document({"x": 1}, "deep/report.json")
        with run("other", "ignored") as inner:
            assert inner.run_id == opened.run_id
    found = mlflow.MlflowClient().get_run(opened.run_id)
    assert found.info.status == "FINISHED"
    assert found.data.params == {"network.neurons": "256"}
    assert found.data.metrics == {"ap": 0.5}
    assert mlflow.artifacts.load_dict(f"{found.info.artifact_uri}/deep/report.json") == {"x": 1}


def test_a_run_that_fails_says_so(uri):
    import mlflow

    with pytest.raises(ZeroDivisionError), run("web", "train web") as opened:
        _ = 1 / 0
    assert mlflow.MlflowClient().get_run(opened.run_id).info.status == "FAILED"


def test_a_kernel_joins_the_run_that_the_pipeline_made(uri, monkeypatch, tmp_path):
    import mlflow

    run_id = create_run("web", "train web", {"pipeline": "train"})
    monkeypatch.setenv("MLFLOW_RUN_ID", run_id)
    with run("web", "train web") as joined:
        assert joined.run_id == run_id
    (tmp_path / "train.ipynb").write_text("{}")
    finish_run(run_id, failed=True, artifact=tmp_path / "train.ipynb")
    client = mlflow.MlflowClient()
    assert client.get_run(run_id).info.status == "FAILED"
    assert [found.path for found in client.list_artifacts(run_id, "notebooks")] == ["notebooks/train.ipynb"]
