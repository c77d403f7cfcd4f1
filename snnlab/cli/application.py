"""The commands put together, and how their errors are told: one sentence on standard error, exit code 2."""

import sys
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from snnlab.cli import data, demo, export, letters, pipelines, replay, score, serve, services, worker
from snnlab.errors import SnnlabError

__all__ = ["app", "main"]

BAD_INPUT = 2
LATER = {"bench": ("snnlab.bench.cli", "Measure speed, memory and quality, each beside a peer.")}
"""Groups of commands that are imported when they are asked for, with the line that the help shows."""


class Commands(TyperGroup):
    """The commands in the order in which they were added, and those groups that are imported when asked for."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401 - click's context
        """Names of all commands."""
        return [*super().list_commands(ctx), *LATER]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401 - click's context and command
        """The command of a name; of a later group, only the line that the help shows."""
        if cmd_name in LATER:
            return TyperGroup(name=cmd_name, help=LATER[cmd_name][1])
        return super().get_command(ctx, cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - click's context
        """The command that is run, a later group whole."""
        if args and args[0] in LATER:
            group = typer.main.get_command(import_module(LATER[args[0]][0]).app)
            return args[0], group, args[1:]
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=Commands,
    name="snnlab",
    help="Anomaly detection on event streams with spiking neural networks.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.command()(demo.demo)
app.add_typer(data.app, name="data")
app.command()(pipelines.train)
app.command()(pipelines.evaluate)
app.command()(pipelines.promote)
app.command()(pipelines.retrain)
app.command()(score.score)
app.add_typer(export.app, name="export")
app.command()(replay.replay)
app.command()(serve.serve)
app.command()(worker.worker)
app.command()(replay.rekey)
app.add_typer(letters.app, name="dead-letters")
app.add_typer(services.app, name="services")


@app.command()
def version() -> None:
    """Print the version of snnlab, and what it runs on.

    \b
    Example:
      snnlab version
    """
    from snnlab import __version__
    from snnlab.evaluation.figures import machine

    typer.echo(f"snnlab {__version__}")
    for name, value in machine().items():
        typer.echo(f"{name:8} {value}")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code: 2 for bad input, told in one sentence."""
    try:
        app(args=arguments, prog_name="snnlab")
    except SnnlabError as wrong:
        typer.echo(f"snnlab: {wrong}", err=True)
        sys.exit(BAD_INPUT)
