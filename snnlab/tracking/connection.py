"""Where runs and models are tracked: an MLflow server, or MLflow on one SQLite file with its artifacts beside it."""

import fcntl
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from snnlab.config import Settings
from snnlab.database import sqlite_path
from snnlab.errors import ConfigError

__all__ = ["artifact_root", "configured_uri", "experiment", "prepare", "tracking_folder", "tracking_uri"]

_DEFAULT = "sqlite:///mlruns/mlflow.db"
_given: dict[str, str | None] = {}
"""Stores that were prepared by argument, with what MLFLOW_TRACKING_URI held before: MLflow writes it there itself."""


def tracking_uri(uri: str | None = None) -> str:
    """The tracking store: the one given, else MLFLOW_TRACKING_URI, SNNLAB_TRACKING_URI, ``mlruns/mlflow.db`` here.

    A relative SQLite path is made absolute, so that kernels and workers in other folders find the same file.
    Raises ConfigError for a folder: MLflow's file store is no longer there.

    >>> tracking_uri("http://localhost:5000")
    'http://localhost:5000'
    """
    return _absolute(uri) if uri else configured_uri()


def configured_uri() -> str:
    """The tracking store that the environment or the settings name, whichever was prepared by argument since."""
    named, looked = os.environ.get("MLFLOW_TRACKING_URI"), set[str]()
    while named in _given and named not in looked:
        looked.add(named)
        named = _given[named]
    return _absolute(named or Settings.load().tracking_uri or _DEFAULT)


def _absolute(chosen: str) -> str:
    if chosen.startswith("sqlite:"):
        return f"sqlite:///{sqlite_path(chosen).absolute()}"
    if "://" not in chosen or chosen.startswith("file:"):
        raise ConfigError(
            f"tracking URI {chosen!r} is a folder; use sqlite:///PATH/mlflow.db or an MLflow server's URL"
        )
    return chosen


def tracking_folder(uri: str) -> Path:
    """The folder beside the tracking store: where its SQLite file lies, or ``mlruns`` here for a server."""
    return sqlite_path(uri).absolute().parent if uri.startswith("sqlite:") else Path("mlruns").absolute()


def artifact_root(uri: str) -> str | None:
    """Where artifacts go: ``artifacts`` beside the SQLite file; None where a server decides."""
    return (tracking_folder(uri) / "artifacts").as_uri() if uri.startswith("sqlite:") else None


def prepare(uri: str | None = None) -> str:
    """Point MLflow at the tracking store, bring a SQLite store up to date once, and return its URI.

    Processes that come at the same time wait for the first: MLflow's tables are made or migrated only once.
    Raises ConfigError where the store cannot be opened.
    """
    chosen = tracking_uri(uri)
    if uri is not None and chosen != configured_uri():
        _given.setdefault(chosen, os.environ.get("MLFLOW_TRACKING_URI"))
    _quietly()
    import mlflow
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    mlflow.set_tracking_uri(chosen)
    mlflow.set_registry_uri(chosen)
    try:
        if chosen.startswith("sqlite:"):
            folder = tracking_folder(chosen)
            folder.mkdir(parents=True, exist_ok=True)
            with _alone(folder / ".prepare.lock"):
                _up_to_date(chosen)
        else:
            mlflow.MlflowClient().search_experiments(max_results=1)
    except (MlflowException, SQLAlchemyError, OSError) as wrong:
        why = str(wrong).partition("\n")[0]
        raise ConfigError(
            f"tracking store {chosen!r} cannot be opened: {why}; move it aside, or set MLFLOW_TRACKING_URI to another"
        ) from wrong
    return chosen


def experiment(name: str) -> str:
    """The id of an experiment of the prepared store, made with its artifacts in the right place if it is not there."""
    import mlflow
    from mlflow.exceptions import MlflowException

    client = mlflow.MlflowClient()
    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return str(client.create_experiment(name, artifact_location=artifact_root(mlflow.get_tracking_uri())))
        except MlflowException:
            # Another process made it since.
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
    return str(found.experiment_id)


def _quietly() -> None:
    """MLflow tells of migrations, downloads and guesses at packages on standard error, and sends usage statistics."""
    for name in ("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
        os.environ.setdefault(name, "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    for name in ("alembic", "mlflow.store.db.utils", "mlflow.utils.environment"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _up_to_date(uri: str) -> None:
    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        mlflow.MlflowClient().search_experiments(max_results=1)
    except MlflowException as wrong:
        if "mlflow db upgrade" not in str(wrong):
            raise
        done = subprocess.run(  # noqa: S603 - MLflow's own migration
            [sys.executable, "-m", "mlflow", "db", "upgrade", uri], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise ConfigError(f"mlflow db upgrade {uri} failed: {done.stderr.strip()[-500:]}") from wrong


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a lock file: the kernel lets go of it when the process ends, however it ends."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
