"""A Bento with models in it: put together in a folder, and built into a store of Bentos.

::

    service.py  bentofile.yaml      the recipe, from bentos/neuromorphic
    models/manifest.json  *.snn     the models, each with its digest
    wheels/snnlab-*.whl             this snnlab
    requirements.txt                what it runs with, pinned

A folder of models with its manifest is the only way models come into a service from files; requests never name one.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

import snnlab
from snnlab.errors import ConfigError, ModelFormatError, ModelNotFound
from snnlab.serving.wheel import pack_wheel, pinned_requirements

if TYPE_CHECKING:
    from snnlab.workflows.champions import Champion

__all__ = ["Bundled", "Entry", "NamedModel", "assemble", "build", "bundled_models", "environment"]

_FORCED = {"FORCE_COLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE"}


class Entry(BaseModel):
    """One model of a manifest. ``code`` says that whoever built the Bento agreed to the code that the model carries."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    version: str
    domain: str
    digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    code: bool = False


class _Manifest(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    models: list[Entry]


@dataclass(frozen=True)
class NamedModel:
    """A saved detector to put into a Bento under ``name``, which becomes its model id.

    ``version`` is what the registry calls it. ``code`` agrees to the code that the model carries, if it does.
    """

    name: str
    content: bytes
    version: str = "1"
    code: bool = False


@dataclass(frozen=True)
class Bundled:
    """A model of a Bento, its bytes checked against the digest."""

    entry: Entry
    content: bytes


def assemble(folder: Path, models: "Iterable[NamedModel | Champion]") -> None:
    """Put everything that a Bento is built from into ``folder``.

    Raises ConfigError for names that cannot be used or come twice, ModelError for bytes that are no model.
    """
    from snnlab.workflows.locate import bento_folder

    shutil.copytree(bento_folder(), folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "models").mkdir(exist_ok=True)
    (folder / "wheels").mkdir(exist_ok=True)
    entries = [_entry(model) for model in models]
    names = [entry.name for entry, _ in entries]
    if len(set(names)) != len(names):
        raise ConfigError(f"two models of one name among {names}; a Bento knows its models by their names")
    for entry, content in entries:
        (folder / "models" / f"{entry.name}.snn").write_bytes(content)
    manifest = _Manifest(models=[entry for entry, _ in entries])
    (folder / "models" / "manifest.json").write_text(manifest.model_dump_json(indent=2), encoding="utf-8")
    _name_wheel(folder / "bentofile.yaml", pack_wheel(folder / "wheels"))
    (folder / "requirements.txt").write_text("\n".join(pinned_requirements()) + "\n", encoding="utf-8")


def _entry(model: "NamedModel | Champion") -> tuple[Entry, bytes]:
    from snnlab.detectors import Detector
    from snnlab.serving.warm import warm_up

    detector = Detector.load(model.content, trust_code=model.code)
    warm_up(detector)  # what cannot score is not built in, and the kernels are compiled from here on
    try:
        entry = Entry(
            name=model.name,
            version=model.version,
            domain=detector.domain.name,
            digest=f"sha256:{sha256(model.content).hexdigest()}",
            code=model.code,
        )
    except ValidationError as error:
        raise ConfigError(
            f"{model.name!r} cannot name a model; use letters, digits, '.', '_', '-', a letter or digit first"
        ) from error
    return entry, model.content


def _name_wheel(recipe: Path, wheel: Path) -> None:
    """BentoML takes wheels by their exact names, which have the version in them."""
    content = yaml.safe_load(recipe.read_text(encoding="utf-8"))
    content["python"]["wheels"] = [f"wheels/{wheel.name}"]
    recipe.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def build(models: "Iterable[NamedModel | Champion]", *, home: Path) -> str:
    """Build the Bento of models, such as ``workflows.champions()``, into the BentoML home ``home``; returns its tag.

    Raises ConfigError where BentoML refuses, with what it said.
    """
    home.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="snnlab-bento-") as place:
        assemble(Path(place), models)
        done = subprocess.run(
            [sys.executable, "-m", "bentoml", "build", ".", "--output", "tag"],
            cwd=place,
            env=environment(home),
            capture_output=True,
            text=True,
            check=False,
        )
    told = [line for line in done.stdout.splitlines() if line.startswith("__tag__:")]
    if done.returncode or not told:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-3:]
        raise ConfigError(f"bentoml build failed: {' '.join(said)}")
    return told[-1].removeprefix("__tag__:")


def environment(home: Path) -> dict[str, str]:
    """The environment of BentoML's commands: a home of one's own, this snnlab on the path, no usage statistics.

    Notebook kernels force colours on their children, which would then stand in the tag that a build tells.
    """
    path = [str(Path(snnlab.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **{name: value for name, value in os.environ.items() if name not in _FORCED},
        "BENTOML_HOME": str(home.absolute()),
        "BENTOML_DO_NOT_TRACK": "True",
        "PYTHONPATH": os.pathsep.join(path),
    }


def bundled_models(folder: Path) -> list[Bundled]:
    """The models of a folder with a manifest; none where there is no manifest.

    Raises ModelFormatError for a manifest that cannot be read or a digest that does not fit, ModelNotFound for a
    model that is not there.
    """
    place = folder / "manifest.json"
    if not place.exists():
        return []
    try:
        manifest = _Manifest.model_validate(json.loads(place.read_bytes()))
    except ValueError as error:
        raise ModelFormatError(f"{place} is no manifest of models: {error}; build the Bento again") from error
    return [_checked(folder, entry) for entry in manifest.models]


def _checked(folder: Path, entry: Entry) -> Bundled:
    place = folder / f"{entry.name}.snn"
    if not place.is_file():
        raise ModelNotFound(f"the manifest names {entry.name!r}, but {place} is not there; build the Bento again")
    content = place.read_bytes()
    digest = f"sha256:{sha256(content).hexdigest()}"
    if digest != entry.digest:
        raise ModelFormatError(
            f"{place} has digest {digest}, not {entry.digest} as in the manifest; build the Bento again"
        )
    return Bundled(entry, content)
