"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["DOMAIN", "Entity", "Events", "Features", "JsonFile", "Label", "Name", "Seed", "Timestamp", "World", "split"]

DOMAIN = "security, performance, business or sensor"

Timestamp = Annotated[
    str | None, typer.Option(help="Column of the time; '' for none. Without it: one named like a timestamp.")
]
Entity = Annotated[str | None, typer.Option(help="Column of the routing key. Without it: 'entity'.")]
Features = Annotated[
    str | None, typer.Option(help="Columns to look at, with commas. Without it: all that have no other role.")
]
Label = Annotated[
    str | None, typer.Option(help="Column of the truth, for evaluation only. Without it: label, anomaly or is_anomaly.")
]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the figures to this JSON file.", metavar="FILE")]
Name = Annotated[str | None, typer.Option(help="Name of the model in the registry. Without it: the domain's.")]
Seed = Annotated[int | None, typer.Option(min=0, help="Seed of generated events.")]
World = Annotated[int | None, typer.Option(min=0, help="The world that generated events are a day of.")]
Events = Annotated[int | None, typer.Option(min=500, help="How many events to generate.")]


def split(features: str | None) -> list[str] | None:
    """Names between commas.

    >>> split("cpu, latency_ms"), split(None)
    (['cpu', 'latency_ms'], None)
    """
    return None if features is None else [name.strip() for name in features.split(",") if name.strip()]
