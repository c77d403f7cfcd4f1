"""snnlab data: the public sets and the generators."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snnlab.cli.options import DOMAIN
from snnlab.errors import ConfigError

if TYPE_CHECKING:
    import pyarrow as pa

    from snnlab.datasets.labelled import LabelledStream

__all__ = ["app"]

app = typer.Typer(
    help="Public data sets, and generated events.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command("list")
def listed(
    names: Annotated[bool, typer.Option("--names", help="Name every stream of the sets that are here.")] = False,
) -> None:
    """List the public sets, and which of them are on this machine.

    SNNLAB_DATA names the folder that holds them; without it, it is the folder data.

    \b
    Examples:
      snnlab data list
      snnlab data list --names
    """
    from snnlab.datasets import public

    found = public.find()
    for item in found:
        here = f"{len(item.parts)} streams in {item.path}" if item.path else f"absent: snnlab data fetch {item.name}"
        typer.echo(f"{item.name:13} {item.domain:12} {here}")
        typer.echo(f"{'':13} {item.title} ({item.origin}, licence: {item.licence})")
        for part in item.parts if names else ():
            typer.echo(f"{'':13}   {item.name}/{part}")


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(metavar="SET", help="nab, skab, asd, nsl_kdd, process_logs or card_fraud")],
    to: Annotated[Path | None, typer.Option(help="Folder of all sets. Without it: SNNLAB_DATA, or data.")] = None,
    base_url: Annotated[str | None, typer.Option(help="A mirror of raw.githubusercontent.com.")] = None,
) -> None:
    """Download the public original of a set, at a pinned commit, each file checked.

    A download that was broken off goes on where it stopped.

    \b
    Example:
      snnlab data fetch skab
    """
    from snnlab.datasets import fetch as fetching

    folder = fetching.fetch(name, to, base_url=base_url or fetching.BASE_URL)
    typer.echo(f"{name} is in {folder}")


@app.command()
def generate(
    domain: Annotated[str, typer.Argument(metavar="DOMAIN", help=DOMAIN)],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help=".csv, .csv.gz or .parquet. Without it: DOMAIN.csv.")
    ] = None,
    events: Annotated[int, typer.Option(min=500, help="How many events.")] = 20_000,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds give equal events.")] = 0,
    world: Annotated[int | None, typer.Option(min=0, help="The world that the events are a day of.")] = None,
    anomalies: Annotated[bool, typer.Option("--anomalies/--no-anomalies", help="Inject labelled anomalies.")] = True,
) -> None:
    """Write generated events of a domain to a file: the first 30 % normal, then at most 1 % anomalous.

    The column label is "normal" or the type of the anomaly.

    \b
    Example:
      snnlab data generate sensor --events 5000 --seed 1 --out sensor.csv
    """
    from snnlab.datasets.generators import generate as generated

    stream = generated(domain, seed, events, anomalies, world)
    target = out or Path(f"{domain}.csv")
    _write(_table(stream), target)
    typer.echo(f"{target}: {len(stream)} events, {int(stream.label.sum())} anomalous, first {stream.train} normal")


def _table(stream: "LabelledStream") -> "pa.Table":
    import pyarrow as pa

    batch = stream.events
    columns = {
        "event_id": batch.event_ids,
        "timestamp": batch.timestamps,
        "event_type": batch.event_types.words(),
        "entity": batch.entities.words(),
        **{name: batch.values[:, at] for at, name in enumerate(batch.names)},
        **{name: batch.category(name).words() for name in batch.category_names},
        "label": [
            kind or ("anomaly" if bad else "normal") for kind, bad in zip(stream.kind, stream.label, strict=True)
        ],
    }
    return pa.table(columns)


def _write(table: "pa.Table", target: Path) -> None:
    import gzip
    from io import BytesIO

    from pyarrow import csv, parquet

    try:
        if target.suffix == ".parquet":
            parquet.write_table(table, target)
        elif target.name.endswith((".csv", ".csv.gz")):
            content = BytesIO()
            csv.write_csv(table, content)
            text = content.getvalue()
            target.write_bytes(gzip.compress(text, mtime=0) if target.suffix == ".gz" else text)
        else:
            raise ConfigError(f"{str(target)!r} ends in none of .csv, .csv.gz and .parquet; name such a file")
    except OSError as wrong:
        raise ConfigError(f"{str(target)!r} cannot be written: {wrong.strerror}; name another file") from wrong
