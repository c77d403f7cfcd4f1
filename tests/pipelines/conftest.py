import shutil

import pytest

from snnlab.tracking import prepare


@pytest.fixture(scope="session")
def migrated(tmp_path_factory):
    """A tracking store with its tables: making them takes seconds, copying them does not."""
    folder = tmp_path_factory.mktemp("mlflow")
    prepare(f"sqlite:///{folder}/mlflow.db")
    return folder / "mlflow.db"


@pytest.fixture
def uri(migrated, tmp_path, monkeypatch):
    import mlflow

    monkeypatch.chdir(tmp_path)
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "SNNLAB_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "mlruns").mkdir()
    shutil.copy(migrated, tmp_path / "mlruns" / "mlflow.db")
    yield prepare()
    while mlflow.active_run() is not None:
        mlflow.end_run()
