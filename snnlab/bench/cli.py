"""``snnlab bench …``: each benchmark as a command that prints a table and writes ``--json FILE``."""

from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["app"]

app = typer.Typer(
    help="Figures with names, each beside a peer measured in the same run.", no_args_is_help=True, add_completion=False
)


def _writable(path: Path | None) -> Path | None:
    """Refuse a file that could not be written before anything is measured."""
    if path is not None and not path.absolute().parent.is_dir():
        raise typer.BadParameter(f"cannot write {str(path)!r}: its folder does not exist; make it first")
    return path


def _drawable(path: Path | None) -> Path | None:
    """The same for a plot, whose format its name must tell."""
    from snnlab.bench.plots import FORMATS

    if path is not None and path.suffix.lower() not in FORMATS:
        raise typer.BadParameter(f"cannot draw {str(path)!r}: let its name end with {', '.join(FORMATS)}")
    return _writable(path)


Out = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Write the figures there as JSON.", callback=_writable),
]
Plot = Annotated[
    Path | None,
    typer.Option("--plot", metavar="FILE", help="Draw the figures there: .png, .svg or .pdf.", callback=_drawable),
]
Neurons = Annotated[list[int] | None, typer.Option("--neurons", min=2, help="Size of the network; may come again.")]
Rounds = Annotated[int, typer.Option(min=1, help="Rounds that a value is the median of.")]
Entities = Annotated[int, typer.Option(min=1, help="Entities, all of them known before the first round.")]


@app.command()
def latency(
    json: Out = None,
    neurons: Neurons = None,
    events: Annotated[int, typer.Option(min=1, help="Events timed, over all rounds.")] = 5_000,
    entities: Entities = 10_000,
    rounds: Rounds = 5,
    plot: Plot = None,
) -> None:
    """One event in, verdict out, in process: 50th and 99th percentile."""
    from snnlab.bench import latency as bench

    rows = bench.run(tuple(neurons or (256,)), events=events, entities=entities, rounds=rounds)
    _show("latency", rows, json, bench.NOTES, plot)


@app.command()
def throughput(
    json: Out = None,
    neurons: Neurons = None,
    events: Annotated[int, typer.Option(min=1, help="Events a round.")] = 200_000,
    entities: Entities = 10_000,
    batch: Annotated[int, typer.Option(min=1, help="Events a batch.")] = 4_096,
    rounds: Rounds = 5,
    plot: Plot = None,
) -> None:
    """Arrow bytes in, one verdict an event out, on one shard and on two."""
    from snnlab.bench import throughput as bench

    rows = bench.run(tuple(neurons or (256,)), events=events, entities=entities, batch=batch, rounds=rounds)
    _show("throughput", rows, json, bench.NOTES, plot)


@app.command()
def memory(json: Out = None, neurons: Neurons = None, plot: Plot = None) -> None:
    """Bytes of an entity and of a synapse, and how bytes grow with neurons and entities."""
    from snnlab.bench import growth, plots
    from snnlab.bench import memory as bench

    sizes = tuple(neurons or (256, 1000))
    curves = growth.curves(growth.NEURONS, growth.ENTITIES, size=sizes[0])
    if plot is not None:
        plots.save(_or_exit(plots.growth, curves), plot)
    _show("memory", [*bench.run(sizes), *growth.rows(curves)], json, bench.NOTES)


@app.command()
def claims(
    json: Out = None,
    hidden: Annotated[
        list[int] | None, typer.Option("--hidden", min=1, help="Units of the LSTM to choose from; may come again.")
    ] = None,
    events: Annotated[int, typer.Option(min=2_000, help="Events taught; half as many are timed a round.")] = 20_000,
    watts: Annotated[float, typer.Option(min=0.1, help="Watts that a busy core is taken to draw.")] = 4.0,
    rounds: Rounds = 5,
    plot: Plot = None,
) -> None:
    """Latency, energy, throughput and memory beside a torch LSTM autoencoder of like detection quality."""
    from snnlab.bench import claims as bench

    sizes = tuple(hidden or bench.HIDDEN)
    found = _or_exit(bench.run, sizes, events=events, rounds=rounds, watts=watts)
    _show("claims", found.rows, json, found.notes, plot)


@app.command()
def engine(
    json: Out = None,
    neurons: Neurons = None,
    ticks: Annotated[int, typer.Option(min=1, help="Ticks a round.")] = 300,
    rounds: Rounds = 3,
    peers: Annotated[
        list[str] | None,
        typer.Option(help="Also another simulator, or all that are installed; may come again.", metavar="all|NAME"),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw the times there, as PNG, SVG or PDF.", callback=_writable),
    ] = None,
) -> None:
    """Time of a tick of one network, static and with STDP; two shards on two threads."""
    from snnlab.bench import engine as bench

    sizes = tuple(neurons or (256, 1000, 10_000))
    rows, notes = _or_exit(bench.run, sizes, ticks=ticks, rounds=rounds, peers=tuple(peers or ()))
    _show("engine", rows, json, notes)
    if plot is not None:
        from snnlab.bench.engine_plot import draw

        draw([row.figure for row in rows], max(sizes), plot)


@app.command()
def seed(
    json: Out = None,
    events: Annotated[int, typer.Option(min=1_000, help="Events trained on.")] = 8_000,
    entities: Annotated[int, typer.Option(min=1, help="Entities served.")] = 1_000,
    service: Annotated[
        bool, typer.Option("--service/--no-service", help="Also promoted, and in a built Bento.")
    ] = True,
) -> None:
    """10,000 neurons with STDP, end to end: build, train, save, load, promote, serve; memory and size."""
    from snnlab.bench import seed as bench

    rows = _or_exit(bench.run, events=events, entities=entities, service=service)
    _show("seed", rows, json, bench.NOTES)


@app.command()
def detection(
    sets: Annotated[
        list[str] | None, typer.Argument(metavar="[SET]...", help="Public sets; all found if none.")
    ] = None,
    json: Out = None,
    ablation: Annotated[
        list[str] | None, typer.Option("--ablation", help="Again without: reservoir or plasticity; may come again.")
    ] = None,
) -> None:
    """The protocols of the public sets, beside their baselines."""
    from snnlab.bench import detection as bench

    rows = _or_exit(bench.run, tuple(sets or ()), ablation=tuple(ablation or ()), told=_tell)
    _show("detection", rows, json, bench.NOTES)


@app.command()
def serving(
    parts: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PART]...", help="service, checkpoint, anomalies, pulsar, workers; all if none."),
    ] = None,
    json: Out = None,
    events: Annotated[int, typer.Option(min=1, help="Events scored over REST, over all rounds.")] = 1_000,
    rounds: Rounds = 3,
    anomalies: Annotated[int, typer.Option(min=1_000, help="Anomalies stored before they are asked for.")] = 1_000_000,
) -> None:
    """A built Bento over REST and gRPC; checkpoints beside a stream; stored anomalies; Pulsar with a worker, and three.

    Pulsar and Ignite are those of SNNLAB_HOME, or run for the benchmark only; without them their rows are left out.
    """
    from snnlab.bench import serving_live as bench

    rows, notes = _or_exit(bench.run, tuple(parts or ()), events=events, rounds=rounds, anomalies=anomalies)
    _show("serving", rows, json, notes)


@app.command("import")
def imports(json: Out = None, rounds: Rounds = 5) -> None:
    """Seconds that a new Python takes to import snnlab."""
    from snnlab.bench import imports as bench

    _show("import", bench.run(rounds=rounds), json, bench.NOTES)


def _tell(what: str) -> None:
    typer.echo(what, err=True)


def _or_exit(bench: Any, *given: Any, **options: Any) -> Any:  # noqa: ANN401 - a benchmark and what it takes
    from snnlab.errors import SnnlabError

    try:
        return bench(*given, **options)
    except SnnlabError as error:
        typer.echo(f"{error}", err=True)
        raise typer.Exit(2) from error


def _show(name: str, rows: list[Any], path: Path | None, notes: str, plot: Path | None = None) -> None:
    from snnlab.bench.rows import report

    typer.echo(report(f"bench {name}", rows, path=path, notes=notes))
    if plot is not None:
        from snnlab.bench import plots

        plots.save(_or_exit(plots.ratios, rows, f"bench {name}"), plot)
