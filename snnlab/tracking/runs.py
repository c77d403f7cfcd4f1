"""Runs: one for a pipeline, joined by the notebook's kernel, or one of its own for a function called alone."""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from snnlab.tracking.connection import experiment, prepare

__all__ = ["RunLog", "create_run", "finish_run", "flattened", "run"]

_LONGEST = 500


@dataclass(frozen=True)
class RunLog:
    """What a run can be told."""

    run_id: str

    def params(self, values: Mapping[str, object]) -> None:
        """Parameters, flattened to dotted names; long values are cut."""
        import mlflow

        mlflow.log_params(flattened(values))

    def metrics(self, values: Mapping[str, float]) -> None:
        """Measured numbers; those that are not finite are left out."""
        import mlflow

        mlflow.log_metrics({name: float(value) for name, value in values.items() if isfinite(value)})

    def tags(self, values: Mapping[str, object]) -> None:
        """Tags."""
        import mlflow

        mlflow.set_tags(dict(values))

    def figure(self, figure: Any, name: str) -> None:  # noqa: ANN401 - a matplotlib figure
        """A figure as ``figures/NAME.png``."""
        import mlflow

        mlflow.log_figure(figure, f"figures/{name}.png")

    def document(self, content: object, name: str) -> None:
        """A JSON document or text as an artifact of that name."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / Path(name).name
            path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2), encoding="utf-8")
            self.artifact(path, Path(name).parent.as_posix())

    def artifact(self, path: Path, folder: str = "") -> None:
        """A file, in a folder of the run's artifacts."""
        import mlflow

        mlflow.log_artifact(str(path), None if folder in {"", "."} else folder)


@contextmanager
def run(experiment_name: str, name: str, *, uri: str | None = None) -> Iterator[RunLog]:
    """The run that is open, the one that MLFLOW_RUN_ID names, or a new one; an open run is left open."""
    import mlflow

    prepare(uri)
    active = mlflow.active_run()
    if active is not None:
        yield RunLog(active.info.run_id)
        return
    joined = "MLFLOW_RUN_ID" in os.environ
    opened = (
        mlflow.start_run() if joined else mlflow.start_run(experiment_id=experiment(experiment_name), run_name=name)
    )
    with opened:
        yield RunLog(opened.info.run_id)


def create_run(experiment_name: str, name: str, tags: Mapping[str, str], *, uri: str | None = None) -> str:
    """Make a run for another process to join; returns its id. ``finish_run`` ends it."""
    prepare(uri)
    import mlflow

    made = mlflow.MlflowClient().create_run(experiment(experiment_name), tags=dict(tags), run_name=name)
    return str(made.info.run_id)


def finish_run(run_id: str, *, failed: bool, artifact: Path | None = None, folder: str = "notebooks") -> None:
    """End a run that another process joined, whatever became of that process, and attach a file."""
    import mlflow

    client = mlflow.MlflowClient()
    if artifact is not None and artifact.exists():
        client.log_artifact(run_id, str(artifact), folder)
    client.set_terminated(run_id, "FAILED" if failed else "FINISHED")


def flattened(values: Mapping[str, object], prefix: str = "") -> dict[str, str]:
    """Nested values as dotted names and short texts.

    >>> flattened({"network": {"neurons": 256}, "seed": 1, "codes": ["rate"]})
    {'network.neurons': '256', 'seed': '1', 'codes': '["rate"]'}
    """
    flat: dict[str, str] = {}
    for key, value in values.items():
        inner = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
        if isinstance(inner, Mapping) and inner:
            flat |= flattened(inner, f"{prefix}{key}.")
        else:
            text = inner if isinstance(inner, str) else json.dumps(inner, default=str)
            flat[f"{prefix}{key}"] = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return flat
