"""snnlab replay, serve and worker: events onto the bus, the Bento service, and a worker without one."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snnlab.cli.options import Entity, Features, Label, Timestamp, split

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from tqdm import tqdm

    from snnlab.serving.bento import NamedModel
    from snnlab.serving.worker import Assignment, Worker
    from snnlab.stores import Store
    from snnlab.streams import Bus

__all__ = ["replay", "serve", "worker"]

Models = Annotated[
    list[str] | None,
    typer.Option(help="A .snn file or models:/NAME@champion, as often as there are. Without it: every champion."),
]


def replay(
    source: Annotated[str, typer.Argument(metavar="SET|FILE", help="Recorded events.")],
    to: Annotated[str, typer.Option(metavar="BUS_URL", help="The bus, such as sqlite:///bus.db.")],
    topic: Annotated[str, typer.Option(help="The stream to publish to; it is made if it is not there.")],
    speed: Annotated[str, typer.Option(help="real, a multiple such as 10x, or max.")] = "max",
    shards: Annotated[int, typer.Option(min=1, max=1024, help="Shards of a new stream.")] = 8,
    timestamp: Timestamp = None,
    entity: Entity = None,
    features: Features = None,
    label: Label = None,
) -> None:
    """Publish recorded events again, at the speed at which they happened, a multiple of it, or as fast as possible.

    \b
    Example:
      snnlab replay skab/valve1/0 --to sqlite:///bus.db --topic pumps --speed 10x
    """
    from tqdm import tqdm

    from snnlab.workflows.replay import replay as published
    from snnlab.workflows.source import load_stream

    columns = {"timestamp": timestamp, "entity": entity, "features": split(features), "label": label}
    stream = load_stream("", source, columns=columns)
    with tqdm(total=len(stream), desc=topic, unit=" events", disable=not sys.stderr.isatty()) as bar:
        done = published(stream, to, topic, speed=speed, shards=shards, progress=_counted(bar))
    aside = f", {done.dead} set aside as dead letters" if done.dead else ""
    typer.echo(f"{topic}: {done.published} events published in {done.seconds:.1f} s{aside}")


def _counted(bar: "tqdm[NoReturn]") -> "Callable[[int], None]":
    def count(more: int) -> None:
        bar.update(more)

    return count


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
    models = _champions() if not model else [_named(one, trust_code=trust_code) for one in model]
    tag = build(models, home=folder / "bentoml")
    typer.echo(f"{tag} with {', '.join(one.name for one in models)} on http://{host}:{port} (its routes: /docs)")
    where = {
        "SNNLAB_HOME": str(folder),
        "SNNLAB_BUS": _absolute(settings.bus),
        "SNNLAB_STORE": _absolute(settings.store),
    }
    known = {name: value for name, value in where.items() if value}
    command = [sys.executable, "-m", "bentoml", "serve", tag, "--host", host, "--port", str(port)]
    os.execve(sys.executable, command, {**environment(folder / "bentoml"), **known})  # noqa: S606 - BentoML takes over


def worker(
    model: Annotated[str, typer.Option(help="A .snn file or models:/NAME@champion.")],
    source: Annotated[str, typer.Option("--from", metavar="BUS_URL", help="The bus, such as sqlite:///bus.db.")],
    topic: Annotated[str, typer.Option(help="The stream to score.")],
    store: Annotated[
        str | None,
        typer.Option(metavar="STORE_URL", help="Where checkpoints and anomalies go; below SNNLAB_HOME unless said."),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Leave when all that is there has been scored.")] = False,
    trust_code: Annotated[bool, typer.Option("--trust-code", help="Run the code that a .snn file carries.")] = False,
) -> None:
    """Score a stream of the bus without a service: consume, publish anomalies, checkpoint, until Ctrl-C.

    It goes on where it stopped. Anomalies are kept in the store, and published beside the stream.

    \b
    Example:
      snnlab worker --model model.snn --from sqlite:///bus.db --topic pumps --once
    """
    from snnlab import streams
    from snnlab.config import Settings
    from snnlab.stores import connect

    folder = Settings.load().home.absolute()
    named = _named(model, trust_code=trust_code)
    with streams.connect(source) as bus, connect(store or f"sqlite:///{folder / 'store.db'}") as kept:
        assignment = _assignment(named, topic, bus.stream(topic).shards)
        _work(_worker(bus, kept, assignment, code=named.code), once=once)
        typer.echo(f"{topic}: {bus.dead_letter_count(topic)} dead letters")


def _worker(bus: "Bus", kept: "Store", assignment: "Assignment", *, code: bool) -> "Worker":
    from snnlab.detectors import Detector
    from snnlab.serving.metrics import Metrics
    from snnlab.serving.patterns import PatternMemory
    from snnlab.serving.scorer import Scorer
    from snnlab.serving.worker import Worker

    metrics, patterns = Metrics(), PatternMemory(kept)

    def load(body: bytes) -> Scorer:
        detector = Detector.load(body, trust_code=code)
        return Scorer(detector, assignment.model_id, assignment.version, metrics, patterns)

    return Worker(bus, kept, assignment, load, metrics)


def _assignment(named: "NamedModel", topic: str, shards: int) -> "Assignment":
    from snnlab.serving.worker import Assignment

    return Assignment(named.name, int(named.version), topic, shards, named.content)


def _work(worker: "Worker", *, once: bool) -> None:
    from tqdm import tqdm

    topic = worker.assignment.stream
    with tqdm(desc=topic, unit=" events", disable=not sys.stderr.isatty()) as bar:
        try:
            while (done := worker.step()) or not once:
                bar.update(done)
                _rest(done)
        except KeyboardInterrupt:
            typer.echo("stopping: what was done is kept", err=True)
        finally:
            worker.stop()
    typer.echo(f"{topic}: {worker.processed} events scored by {worker.assignment.model_id}")


def _rest(done: int) -> None:
    import time

    if not done:
        time.sleep(0.05)


def _champions() -> "list[NamedModel]":
    from snnlab.serving.bento import NamedModel
    from snnlab.workflows.champions import champions

    return [NamedModel(one.name, one.content, version=one.version, code=one.code) for one in champions()]


def _named(model: str, *, trust_code: bool) -> "NamedModel":
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
