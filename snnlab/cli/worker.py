"""snnlab worker: a stream scored without a service."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from snnlab.cli.serve import named_model

if TYPE_CHECKING:
    from snnlab.serving.assignment import Assignment, Pace
    from snnlab.serving.bento import NamedModel
    from snnlab.serving.patterns import PatternMemory
    from snnlab.serving.periodic import Periodic
    from snnlab.serving.worker import Worker
    from snnlab.stores import Store
    from snnlab.streams import Bus

__all__ = ["worker"]


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
    from snnlab import logs, streams, tracing
    from snnlab.config import Settings
    from snnlab.serving.assignment import Pace
    from snnlab.serving.patterns import PatternMemory
    from snnlab.stores import connect

    logs.configure()
    tracing.start("snnlab-worker")
    settings = Settings.load()
    where = store or settings.store or f"sqlite:///{settings.home.absolute() / 'store.db'}"
    named = named_model(model, trust_code=trust_code)
    try:
        with streams.connect(source) as bus, connect(where) as kept:
            assignment = _assignment(named, topic, bus.stream(topic).shards)
            if since is not None:
                _begin(bus, assignment, since)
            keep_s = None if settings.anomaly_days is None else settings.anomaly_days * 86_400
            patterns = PatternMemory(kept)
            worker = _worker(bus, kept, assignment, Pace(hold_s=hold, keep_s=keep_s), patterns, code=named.code)
            _work(worker, patterns.follower(), once=once)
            typer.echo(f"{topic}: {bus.dead_letter_count(topic)} dead letters")
    finally:
        tracing.stop()


def _worker(
    bus: "Bus", kept: "Store", assignment: "Assignment", pace: "Pace", patterns: "PatternMemory", *, code: bool
) -> "Worker":
    from snnlab.detectors import Detector
    from snnlab.serving.metrics import Metrics
    from snnlab.serving.scorer import Scorer
    from snnlab.serving.vouched import VouchedCode
    from snnlab.serving.worker import Worker

    metrics, vouched = Metrics(), VouchedCode()
    if code:
        vouched.agree(assignment.body)

    def load(body: bytes) -> Scorer:
        detector = Detector.load(body, trust_code=vouched.covers(body))
        return Scorer(detector, assignment.model_id, assignment.version, metrics, patterns)

    return Worker(bus, kept, assignment, load, metrics, pace)


def _assignment(named: "NamedModel", topic: str, shards: int) -> "Assignment":
    from snnlab.serving.assignment import Assignment

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


def _work(worker: "Worker", following: "Periodic", *, once: bool) -> None:
    from snnlab.logs import logger

    topic = worker.assignment.stream
    log = logger("snnlab.worker", model=worker.assignment.model_id, stream=topic)
    log.info("worker started", version=worker.assignment.version, shards=worker.assignment.shards)
    following.start()
    try:
        if once:
            _drain(worker)
        else:
            _work_on(worker)
    except KeyboardInterrupt:
        log.info("worker interrupted")
    finally:
        worker.stop()
        following.stop()
        log.info("worker stopped", n_events=worker.processed)
    typer.echo(f"{topic}: {worker.processed} events scored by {worker.assignment.model_id}")


def _drain(worker: "Worker") -> None:
    from tqdm import tqdm

    with tqdm(desc=worker.assignment.stream, unit=" events", disable=not sys.stderr.isatty()) as bar:
        while done := worker.step():
            bar.update(done)


def _work_on(worker: "Worker") -> None:
    """Work until a signal comes, telling how many events were scored; the log tells what fails."""
    import signal
    from threading import Event, Thread

    from tqdm import tqdm

    stop = Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: stop.set())
    thread = Thread(target=worker.work, args=(stop,), name="snnlab-worker")
    thread.start()
    with tqdm(desc=worker.assignment.stream, unit=" events", disable=not sys.stderr.isatty()) as bar:
        while thread.is_alive():
            thread.join(0.5)
            bar.update(worker.processed - bar.n)
