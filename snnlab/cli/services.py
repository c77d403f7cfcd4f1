"""snnlab services: real servers on this machine, for development and tests."""

from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(help="Start and end Pulsar, Ignite and Prometheus on loopback.", no_args_is_help=True)

Started = Annotated[
    list[str] | None,
    typer.Argument(metavar="[pulsar] [ignite] [prometheus]", help="Pulsar and Ignite, unless named."),
]
Ended = Annotated[list[str] | None, typer.Argument(metavar="[pulsar] [ignite] [prometheus]", help="All, unless named.")]


@app.command()
def up(
    names: Started = None,
    scrape: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="The service that Prometheus looks at: 127.0.0.1:3000, unless said."),
    ] = None,
) -> None:
    """Start servers, by Docker Compose where a Docker engine answers; print their URLs.

    Else Pulsar and Ignite come by Java and Maven, and Prometheus from Debian's package. Servers that run already are
    found. Their logs and data lie below SNNLAB_HOME.

    \b
    Examples:
      snnlab services up pulsar ignite
      snnlab services up prometheus --scrape 127.0.0.1:3000
    """
    from snnlab import services
    from snnlab.config import Settings

    home, wanted = Settings.load().home, names or services.NAMES
    started = services.up(home, wanted, scrape=scrape, tell=lambda told: typer.echo(told, err=True))
    for one in started.values():
        typer.echo(f"{one.name:10} {one.url}  (log: {one.log})")


@app.command()
def status() -> None:
    """Tell which servers run and whether they are healthy; exit code 1 where one is not.

    \b
    Example:
      snnlab services status
    """
    from snnlab import services
    from snnlab.config import Settings

    found = services.status(Settings.load().home)
    for one, healthy in found:
        typer.echo(f"{one.name:10} {one.url}  {'healthy' if healthy else 'not healthy'}  (log: {one.log})")
    if not found:
        typer.echo("no server runs; start them with: snnlab services up")
    if not all(healthy for _, healthy in found):
        raise typer.Exit(1)


@app.command()
def down(
    names: Ended = None,
    wipe: Annotated[bool, typer.Option("--wipe", help="Remove data, logs and unpacked software as well.")] = False,
) -> None:
    """End servers. Their data stays for the next time, unless it is wiped.

    \b
    Example:
      snnlab services down --wipe
    """
    from snnlab import services
    from snnlab.config import Settings

    ended = services.down(Settings.load().home, names or services.ALL, wipe=wipe)
    typer.echo(f"ended: {', '.join(ended) or 'none, as none ran'}")
