"""snnlab dead-letters: events that were set aside, to be looked at and published again."""

from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(help="Look at events that were set aside, and publish them again.", no_args_is_help=True)

Source = Annotated[
    str, typer.Option("--from", metavar="BUS_URL", help="The bus, such as sqlite:///bus.db or pulsar://127.0.0.1:6650.")
]
Topic = Annotated[str, typer.Option(help="The stream.")]


@app.command("list")
def listed(
    source: Source,
    topic: Topic,
    limit: Annotated[int, typer.Option(min=1, help="At most as many.")] = 100,
) -> None:
    """List a stream's dead letters: id, event, whether it was published again, and the reason.

    \b
    Example:
      snnlab dead-letters list --from pulsar://127.0.0.1:6650 --topic pumps
    """
    from snnlab import streams

    with streams.connect(source) as bus:
        for letter in bus.dead_letters(topic, limit=limit):
            state = "waits" if letter.replayed_at is None else "published again"
            typer.echo(f"{letter.id}  {letter.event_id}  {state}  {letter.reason}")
        typer.echo(f"{topic}: {bus.dead_letter_count(topic)} dead letters wait")


@app.command()
def replay(
    source: Source,
    topic: Topic,
    letter: Annotated[list[int] | None, typer.Option(help="Ids of letters; all that wait unless said.")] = None,
) -> None:
    """Publish dead letters again; those that still cannot be scored stay.

    \b
    Example:
      snnlab dead-letters replay --from pulsar://127.0.0.1:6650 --topic pumps
    """
    from snnlab import streams

    with streams.connect(source) as bus:
        done = bus.replay_dead_letters(topic, letter or None)
    typer.echo(f"{topic}: {done.accepted} events published again, {done.dead} stay")
