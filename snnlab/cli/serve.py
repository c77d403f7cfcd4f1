"""snnlab serve: the Bento service."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from snnlab.serving.bento import NamedModel

__all__ = ["named_model", "serve"]

Models = Annotated[
    list[str] | None,
    typer.Option(help="A .snn file or models:/NAME@champion, as often as there are. Without it: every champion."),
]


def serve(
    model: Models = None,
    host: Annotated[str, typer.Option(help="Others than 127.0.0.1 need SNNLAB_API_KEY.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 3000,
    trust_code: Annotated[bool, typer.Option("--trust-code", help="Run the code that a .snn file carries.")] = False,
) -> None:
    """Build the Bento of the champions, or of the models given, and serve it until Ctrl-C.

    \b
    Examples:
      snnlab serve
      snnlab serve --model model.snn --port 8000
    """
    import os

    from snnlab.config import Settings
    from snnlab.serving.bento import build, environment

    settings = Settings.load()
    folder = settings.home.absolute()
    models = _champions() if not model else [named_model(one, trust_code=trust_code) for one in model]
    tag = build(models, home=folder / "bentoml")
    names = ", ".join(one.name for one in models)
    typer.echo(f"{tag} with {names} on http://{host}:{port} (/live shows it at work, /docs tells its routes)")
    where = {
        "SNNLAB_HOME": str(folder),
        "SNNLAB_BUS": _absolute(settings.bus),
        "SNNLAB_STORE": _absolute(settings.store),
    }
    known = {name: value for name, value in where.items() if value}
    command = [sys.executable, "-m", "bentoml", "serve", tag, "--host", host, "--port", str(port)]
    os.execve(sys.executable, command, {**environment(folder / "bentoml"), **known})  # noqa: S606 - BentoML takes over


def _champions() -> "list[NamedModel]":
    from snnlab.serving.bento import NamedModel
    from snnlab.workflows.champions import champions

    return [NamedModel(one.name, one.content, version=one.version, code=one.code) for one in champions()]


def named_model(model: str, *, trust_code: bool) -> "NamedModel":
    """A model with a name and version: those of the registry, or the file's name and a number from its bytes."""
    from hashlib import sha256

    from snnlab.detectors.model_file import ModelFile
    from snnlab.errors import ModelNotFound, UntrustedCode
    from snnlab.serving.bento import NamedModel

    if model.startswith("models:/"):
        from snnlab.tracking.loading import find_version, load_bytes

        version, content = find_version(model), load_bytes(model)
        return NamedModel(
            version.name, content, version=str(version.version), code=bool(ModelFile.read(content).sources)
        )
    path = Path(model)
    if not path.is_file():
        raise ModelNotFound(f"no model at {model!r}; give the path of a .snn file or models:/NAME@champion")
    content = path.read_bytes()
    code = bool(ModelFile.read(content).sources)
    if code and not trust_code:
        raise UntrustedCode(f"{model} carries code of its own; say --trust-code if you trust where it comes from")
    return NamedModel(path.stem, content, version=str(int(sha256(content).hexdigest()[:8], 16)), code=code)


def _absolute(url: str | None) -> str | None:
    """A SQLite URL with an absolute path, since the service runs in another folder."""
    from snnlab.database import sqlite_path

    if url is None or not url.startswith("sqlite:"):
        return url
    return f"sqlite:///{sqlite_path(url).absolute()}"
