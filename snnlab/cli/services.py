"""snnlab services: real servers on this machine, for development and tests."""

from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(help="Start and end Apache Pulsar and Apache Ignite on loopback.", no_args_is_help=True)

Names = Annotated[list[str] | None, typer.Argument(metavar="[pulsar] [ignite]", help="Both, unless named.")]


@app.command()
def up(names: Names = None) -> None:
    """Start servers, by Docker Compose where a Docker engine answers, else by Java and Maven; print their URLs.

    Servers that run already are found. Their logs and data lie below SNNLAB_HOME.

    \b
    Example:
      snnlab services up pulsar ignite
    """
    from snnlab import services
    from snnlab.config import Settings

    started = services.up(Settings.load().home, names or services.NAMES, tell=lambda told: typer.echo(told, err=True))
    for one in started.values():
        typer.echo(f"{one.name:7} {one.url}  (log: {one.log})")


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
        typer.echo(f"{one.name:7} {one.url}  {'healthy' if healthy else 'not healthy'}  (log: {one.log})")
    if not found:
        typer.echo("no server runs; start them with: snnlab services up")
    if not all(healthy for _, healthy in found):
        raise typer.Exit(1)


@app.command()
def down(
    names: Names = None,
    wipe: Annotated[bool, typer.Option("--wipe", help="Remove data, logs and unpacked software as well.")] = False,
) -> None:
    """End servers. Their data stays for the next time, unless it is wiped.

    \b
    Example:
      snnlab services down --wipe
    """
    from snnlab import services
    from snnlab.config import Settings

    ended = services.down(Settings.load().home, names or services.NAMES, wipe=wipe)
    typer.echo(f"ended: {', '.join(ended) or 'none, as none ran'}")
