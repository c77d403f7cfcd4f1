"""A pipeline: a parameterised notebook, run through papermill and tracked as one MLflow run."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

import snnlab
from snnlab import errors
from snnlab.errors import ConfigError, SnnlabError
from snnlab.tracking import create_run, finish_run, prepare
from snnlab.types import Json
from snnlab.workflows.kernels import Progress, execute
from snnlab.workflows.locate import parameters_file, pipeline_notebook
from snnlab.workflows.results import last_result

__all__ = ["PipelineRun", "merged_parameters", "run_pipeline"]


@dataclass(frozen=True)
class PipelineRun:
    """A pipeline that ran: its MLflow run, the executed notebook, and the result that the notebook shows last."""

    name: str
    run_id: str
    notebook: Path
    seconds: float
    result: Json


def run_pipeline(
    name: str,
    parameters: Mapping[str, object],
    output_dir: Path | str,
    progress: Progress | None = None,
    *,
    tracking_uri: str | None = None,
    timeout_s: int = 1800,
    attempts: int = 3,
) -> PipelineRun:
    """Run the pipeline ``name`` for ``parameters["domain"]``.

    The domain's own parameters come from ``pipelines/params/DOMAIN.yaml``; those given win. The executed notebook is
    written to ``output_dir`` and attached to the MLflow run, whether it succeeded or not. A cell may run ``timeout_s``
    seconds. A kernel that does not start is tried again, ``attempts`` times in all.
    Raises ConfigError for an unknown pipeline or parameter, and the error of this project that a cell raised, or
    SnnlabError with the cell's error, where one failed.
    """
    source = pipeline_notebook(name)
    given = merged_parameters(name, parameters)
    uri = prepare(tracking_uri)
    domain = str(given["domain"])
    folder = Path(output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{name}-{domain}.ipynb"
    target.unlink(missing_ok=True)
    run_id = create_run(str(given.get("name") or domain), f"{name} {domain}", {"snnlab.pipeline": name}, uri=uri)
    begun, done = time.monotonic(), False
    try:
        notebook = _patiently(source, target, given, _environment(uri, run_id), timeout_s, attempts, progress)
        done = True
    finally:
        finish_run(run_id, failed=not done, artifact=target)
    return PipelineRun(name, run_id, target, time.monotonic() - begun, last_result(notebook))


def merged_parameters(name: str, parameters: Mapping[str, object]) -> Json:
    """The parameters of a pipeline: those of the domain's YAML file, then those given; None is as not given.

    Raises ConfigError without a domain, and for a parameter that the notebook does not have.
    """
    import papermill

    known = set(papermill.inspect_notebook(str(pipeline_notebook(name))))
    given = {key: value for key, value in parameters.items() if value is not None}
    if "domain" not in given:
        raise ConfigError(f"pipeline {name!r} needs a domain; give parameters with 'domain'")
    for key in given:
        if key not in known:
            raise ConfigError(f"pipeline {name!r} has no parameter {key!r}; it has {', '.join(sorted(known))}")
    return {**_of_domain(str(given["domain"]), known), **given}


def _of_domain(domain: str, known: set[str]) -> Json:
    path = parameters_file(domain)
    if path is None:
        return {}
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {key: value for key, value in content.items() if key in known}


def _environment(uri: str, run_id: str) -> dict[str, str]:
    """The kernel's environment: it joins the run, and imports this snnlab from wherever it lies."""
    here = str(Path(snnlab.__file__).parents[1])
    paths = [here, *filter(None, [os.environ.get("PYTHONPATH")])]
    joined = {"MLFLOW_TRACKING_URI": uri, "MLFLOW_RUN_ID": run_id, "PYTHONPATH": os.pathsep.join(paths)}
    return {
        **os.environ,
        **joined,
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }


def _patiently(
    source: Path,
    target: Path,
    parameters: Json,
    environment: Mapping[str, str],
    timeout_s: int,
    attempts: int,
    progress: Progress | None,
) -> Any:  # noqa: ANN401 - a notebook node of nbformat
    """Run the notebook, again where its kernel did not start: side by side, kernels may take each other's ports."""
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    for attempt in range(1, attempts + 1):
        try:
            return execute(
                str(source),
                str(target),
                parameters,
                environment=environment,
                timeout_s=timeout_s,
                start_timeout_s=60,
                progress=progress,
            )
        except PapermillExecutionError as failed:
            raise _told(failed, target) from failed
        except TimeoutError as late:
            raise SnnlabError(
                f"a cell of {target} ran longer than {timeout_s} s; give it more with timeout_s"
            ) from late
        except DeadKernelError as dead:
            raise SnnlabError(f"the kernel of {target} died in mid-run, perhaps for lack of memory: {dead}") from dead
        except RuntimeError as broken:
            if attempt == attempts:
                raise SnnlabError(
                    f"the kernel of {source.name} did not start in {attempts} attempts: {broken}"
                ) from broken
            time.sleep(0.5 * attempt)
    raise ConfigError(f"{attempts} attempts; give at least 1")


def _told(failed: Any, target: Path) -> SnnlabError:  # noqa: ANN401 - papermill's error
    """The error of this project that a cell raised, else one that says which cell failed and where to look."""
    kind = getattr(errors, failed.ename, None) if failed.ename in errors.__all__ else None
    if kind is not None:
        raised: SnnlabError = kind(failed.evalue)
        return raised
    return SnnlabError(
        f"cell {failed.exec_count} of {target} failed: {failed.ename}: {failed.evalue}; open it to see why"
    )
