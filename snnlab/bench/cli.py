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


Out = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Write the figures there as JSON.", callback=_writable),
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
) -> None:
    """One event in, verdict out, in process: 50th and 99th percentile."""
    from snnlab.bench import latency as bench

    rows = bench.run(tuple(neurons or (256,)), events=events, entities=entities, rounds=rounds)
    _show("latency", rows, json, bench.NOTES)


@app.command()
def throughput(
    json: Out = None,
    neurons: Neurons = None,
    events: Annotated[int, typer.Option(min=1, help="Events a round.")] = 40_000,
    entities: Entities = 10_000,
    batch: Annotated[int, typer.Option(min=1, help="Events a batch.")] = 1_000,
    rounds: Rounds = 5,
) -> None:
    """Arrow bytes in, one verdict an event out, on one shard and on two."""
    from snnlab.bench import throughput as bench

    rows = bench.run(tuple(neurons or (256,)), events=events, entities=entities, batch=batch, rounds=rounds)
    _show("throughput", rows, json, bench.NOTES)


@app.command()
def memory(json: Out = None, neurons: Neurons = None) -> None:
    """Bytes of an entity and of a synapse."""
    from snnlab.bench import memory as bench

    _show("memory", bench.run(tuple(neurons or (256, 1000))), json, bench.NOTES)


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
    json: Out = None,
    events: Annotated[int, typer.Option(min=1, help="Events scored, over all rounds.")] = 1_000,
    rounds: Rounds = 3,
) -> None:
    """A built Bento: seconds to start, its first event, one event over REST."""
    from snnlab.bench import serving as bench

    _show("serving", _or_exit(bench.run, events=events, rounds=rounds), json, bench.NOTES)


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


def _show(name: str, rows: list[Any], path: Path | None, notes: str) -> None:
    from snnlab.bench.rows import report

    typer.echo(report(f"bench {name}", rows, path=path, notes=notes))
