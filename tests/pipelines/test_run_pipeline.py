"""The pipelines through papermill, as the command line runs them."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from snnlab.errors import ConfigError, SnnlabError
from snnlab.workflows import pipeline, run_pipeline
from snnlab.workflows.locate import pipeline_notebook

PARAMETERS = {"domain": "sensor", "events": 1500}


def cells_of(name, given):
    """What a pipeline's cells leave behind, run here rather than in a kernel: it costs a tenth."""
    notebook = nbformat.read(pipeline_notebook(name), as_version=4)
    left = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            exec(cell.source, left)  # noqa: S102 - the project's own notebooks
            left |= given if "parameters" in cell.metadata.get("tags", []) else {}
    return left


def test_a_pipeline_is_one_tracked_run_and_the_next_goes_on_from_it(uri, tmp_path):
    import mlflow

    told = []
    trained = run_pipeline(
        "train",
        {**PARAMETERS, "reservoir": False, "save": str(tmp_path / "m.snn")},
        tmp_path / "out",
        progress=lambda done, total: told.append((done, total)),
    )
    assert trained.result["model"] == "models:/sensor/1"
    assert (tmp_path / "m.snn").exists()
    assert told[-1][0] == told[-1][1] == len(told)
    client = mlflow.MlflowClient()
    found = client.get_run(trained.run_id)
    assert found.info.status == "FINISHED"
    assert found.data.tags["snnlab.pipeline"] == "train"
    assert found.data.metrics["train.events"] == 450
    assert client.list_artifacts(trained.run_id, "notebooks")[0].path == "notebooks/train-sensor.ipynb"
    assert found.info.run_id == client.get_model_version("sensor", "1").run_id
    judged = cells_of("evaluate", PARAMETERS)["evaluation"]
    assert judged.report.quality.average_precision > 0
    assert cells_of("promote", PARAMETERS)["promotion"].decision.promoted
    assert cells_of("retrain", PARAMETERS)["retraining"].promotion.decision.challenger == "2"


@pytest.mark.parametrize(
    ("source", "kind", "message"),
    [
        ("from snnlab.errors import ConfigError\nraise ConfigError('seed -1 is negative')", ConfigError, "seed -1"),
        ("1 / 0", SnnlabError, r"broken-sensor\.ipynb failed: ZeroDivisionError"),
        ("import os\nos._exit(1)", SnnlabError, "died in mid-run"),
        ("import time\ntime.sleep(60)", SnnlabError, "longer than 2 s"),
    ],
)
def test_a_cell_that_fails_fails_the_run_and_keeps_the_notebook(uri, tmp_path, monkeypatch, source, kind, message):
    import mlflow

    parameters = new_code_cell("domain = 'sensor'", metadata={"tags": ["parameters"]})
    notebook = new_notebook(cells=[parameters, new_code_cell(source)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, tmp_path / "broken.ipynb")
    monkeypatch.setattr(pipeline, "pipeline_notebook", lambda name: tmp_path / "broken.ipynb")
    with pytest.raises(kind, match=message):
        run_pipeline("broken", {"domain": "sensor"}, tmp_path / "out", timeout_s=2)
    (run,) = mlflow.search_runs(experiment_names=["sensor"], output_format="list")
    assert run.info.status == "FAILED"
    executed = mlflow.artifacts.load_text(f"{run.info.artifact_uri}/notebooks/broken-sensor.ipynb")
    assert source.splitlines()[-1] in executed


def test_a_kernel_that_does_not_start_is_tried_again(monkeypatch, uri, tmp_path):
    tries = []

    def dead(*args, **kwargs):
        tries.append(1)
        raise RuntimeError("Kernel died before replying to kernel_info")

    monkeypatch.setattr(pipeline, "execute", dead)
    monkeypatch.setattr(pipeline.time, "sleep", lambda seconds: None)
    with pytest.raises(SnnlabError, match="did not start in 3 attempts"):
        run_pipeline("train", PARAMETERS, tmp_path / "out")
    assert len(tries) == 3
