"""snnlab replay, rekey, serve and worker: events onto the bus, the Bento service, and a worker without one."""

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

__all__ = ["rekey", "replay", "serve", "worker"]

Models = Annotated[
    list[str] | None,
    typer.Option(help="A .snn file or models:/NAME@champion, as often as there are. Without it: every champion."),
]


def replay(
    source: Annotated[str, typer.Argument(metavar="SET|FILE", help="Recorded events.")],
    to: Annotated[
        str, typer.Option(metavar="BUS_URL", help="The bus, such as sqlite:///bus.db or pulsar://127.0.0.1:6650.")
    ],
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


def rekey(
    raw: Annotated[str, typer.Argument(metavar="RAW_TOPIC", help="Where the producers write.")],
    bus: Annotated[str, typer.Option(metavar="BUS_URL", help="The bus: pulsar://HOST:PORT.")],
    topic: Annotated[str, typer.Option(help="The stream to publish to; it is made if it is not there.")],
    key: Annotated[str, typer.Option(help="Entry of the metadata that is the entity.")] = "entity",
    shards: Annotated[int, typer.Option(min=1, max=1024, help="Shards of a new stream.")] = 8,
) -> None:
    """Republish events of producers that cannot key them, each to the shard of its entity, until Ctrl-C.

    Any number of these may run side by side.

    \b
    Example:
      snnlab rekey taps --bus pulsar://127.0.0.1:6650 --topic cards --key card_id
    """
    from snnlab import streams
    from snnlab.errors import ConfigError

    if not bus.startswith("pulsar"):
        raise ConfigError(f"{bus!r}: only Pulsar has producers that cannot key; the embedded bus keys what it takes")
    with streams.connect(bus) as opened:
        if topic not in {info.name for info in opened.streams()}:
            opened.create(topic, shards)
        _rekey(opened, raw, topic, key)


def _rekey(bus: "Bus", raw: str, topic: str, key: str) -> None:
    from snnlab.errors import BusError
    from snnlab.streams.pulsar import PulsarBus
    from snnlab.streams.pulsar.rekey import Rekey

    if not isinstance(bus, PulsarBus):
        return
    stage = Rekey(bus, raw, topic, key=key)
    published = dead = 0
    try:
        while True:
            try:
                done = stage.step()
            except BusError as error:
                typer.echo(f"waiting: {error}", err=True)
                continue
            published, dead = published + done.published, dead + done.dead
    except KeyboardInterrupt:
        stage.close()
    typer.echo(f"{topic}: {published} events republished, {dead} set aside as dead letters")


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
    source: Annotated[
        str,
        typer.Option("--from", metavar="BUS_URL", help="The bus, such as sqlite:///bus.db or pulsar://127.0.0.1:6650."),
    ],
    topic: Annotated[str, typer.Option(help="The stream to score.")],
    store: Annotated[
        str | None,
        typer.Option(metavar="STORE_URL", help="Where checkpoints and anomalies go; SNNLAB_STORE unless said."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Begin with events published since, such as 2026-01-31T12:00 (UTC)."),
    ] = None,
    hold: Annotated[
        float, typer.Option(min=0.1, help="Seconds after which a shard of a worker that is gone may be taken.")
    ] = 10.0,
    once: Annotated[bool, typer.Option("--once", help="Leave when all that is there has been scored.")] = False,
    trust_code: Annotated[bool, typer.Option("--trust-code", help="Run the code that a .snn file carries.")] = False,
) -> None:
    """Score a stream of the bus without a service: consume, publish anomalies, checkpoint, until Ctrl-C or SIGTERM.

    It goes on where it stopped. Anomalies are kept in the store, and published beside the stream. While the bus or the
    store is away, it waits.

    \b
    Examples:
      snnlab worker --model model.snn --from sqlite:///bus.db --topic pumps --once
      snnlab worker --model model.snn --from pulsar://127.0.0.1:6650 --store ignite://127.0.0.1:10800 --topic pumps
    """
    from snnlab import streams
    from snnlab.config import Settings
    from snnlab.stores import connect

    settings = Settings.load()
    where = store or settings.store or f"sqlite:///{settings.home.absolute() / 'store.db'}"
    named = _named(model, trust_code=trust_code)
    with streams.connect(source) as bus, connect(where) as kept:
        assignment = _assignment(named, topic, bus.stream(topic).shards)
        if since is not None:
            _begin(bus, assignment, since)
        _work(_worker(bus, kept, assignment, hold, code=named.code), once=once)
        typer.echo(f"{topic}: {bus.dead_letter_count(topic)} dead letters")


def _worker(bus: "Bus", kept: "Store", assignment: "Assignment", hold: float, *, code: bool) -> "Worker":
    from snnlab.detectors import Detector
    from snnlab.serving.metrics import Metrics
    from snnlab.serving.patterns import PatternMemory
    from snnlab.serving.scorer import Scorer
    from snnlab.serving.worker import Pace, Worker

    metrics, patterns = Metrics(), PatternMemory(kept)

    def load(body: bytes) -> Scorer:
        detector = Detector.load(body, trust_code=code)
        return Scorer(detector, assignment.model_id, assignment.version, metrics, patterns)

    return Worker(bus, kept, assignment, load, metrics, Pace(hold_s=hold))


def _assignment(named: "NamedModel", topic: str, shards: int) -> "Assignment":
    from snnlab.serving.worker import Assignment

    return Assignment(named.name, int(named.version), topic, shards, named.content)


def _begin(bus: "Bus", assignment: "Assignment", since: str) -> None:
    """Acknowledge what was published before a time on shards where nothing is acknowledged yet."""
    from datetime import UTC, datetime

    from snnlab.errors import ConfigError

    try:
        at = datetime.fromisoformat(since)
    except ValueError as wrong:
        raise ConfigError(f"--since {since!r} is no time; write it like 2026-01-31T12:00") from wrong
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    for shard in range(assignment.shards):
        if bus.committed(assignment.model_id, assignment.stream, shard) is None:
            position = bus.position_at(assignment.stream, shard, int(at.timestamp() * 1e6))
            if position is not None:
                bus.commit(assignment.model_id, assignment.stream, shard, position)


def _work(worker: "Worker", *, once: bool) -> None:
    topic = worker.assignment.stream
    try:
        if once:
            _drain(worker)
        else:
            _work_on(worker)
    except KeyboardInterrupt:
        typer.echo("stopping: what was done is kept", err=True)
    finally:
        worker.stop()
    typer.echo(f"{topic}: {worker.processed} events scored by {worker.assignment.model_id}")


def _drain(worker: "Worker") -> None:
    from tqdm import tqdm

    with tqdm(desc=worker.assignment.stream, unit=" events", disable=not sys.stderr.isatty()) as bar:
        while done := worker.step():
            bar.update(done)


def _work_on(worker: "Worker") -> None:
    """Work until a signal comes, telling how many events were scored, and what fails."""
    import signal
    from threading import Event, Thread

    from tqdm import tqdm

    stop = Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: stop.set())
    thread = Thread(target=worker.work, args=(stop,), name="snnlab-worker")
    thread.start()
    told = ""
    with tqdm(desc=worker.assignment.stream, unit=" events", disable=not sys.stderr.isatty()) as bar:
        while thread.is_alive():
            thread.join(0.5)
            bar.update(worker.processed - bar.n)
            if worker.failure != told:
                told = worker.failure
                typer.echo(f"waiting: {told}" if told else "going on", err=True)
    typer.echo("stopping: what was done is kept", err=True)


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
