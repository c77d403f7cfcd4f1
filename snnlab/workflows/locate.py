"""Where the pipelines' notebooks and the Bento's recipe lie: in the clone, or in the installed package."""

from pathlib import Path

import snnlab
from snnlab.errors import ConfigError

__all__ = ["bento_folder", "parameters_file", "pipeline_notebook", "pipelines_folder"]


def pipelines_folder() -> Path:
    """The folder with the pipelines' notebooks and ``params``."""
    return _shipped("pipelines", "train.ipynb")


def bento_folder(name: str = "neuromorphic") -> Path:
    """The folder with the recipe of a Bento."""
    return _shipped("bentos", f"{name}/bentofile.yaml") / name


def pipeline_notebook(name: str) -> Path:
    """The notebook of a pipeline. Raises ConfigError for a name that is none.

    >>> pipeline_notebook("train").name
    'train.ipynb'
    """
    folder = pipelines_folder()
    path = folder / f"{name}.ipynb"
    if path.parent != folder or not path.is_file():
        there = ", ".join(sorted(found.stem for found in folder.glob("*.ipynb")))
        raise ConfigError(f"no pipeline {name!r}; there is {there}")
    return path


def parameters_file(domain: str) -> Path | None:
    """The YAML file with a domain's parameters; None for a domain that has none, such as one of a user's own."""
    path = pipelines_folder() / "params" / f"{domain}.yaml"
    return path if path.is_file() else None


def _shipped(folder: str, holds: str) -> Path:
    package = Path(snnlab.__file__).parent
    for place in (package / f"_{folder}", package.parent / folder):
        if (place / holds).is_file():
            return place
    raise ConfigError(f"{folder}/{holds} is not part of this installation; install snnlab again from a whole wheel")
