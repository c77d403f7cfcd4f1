"""snnlab replay and rekey: recorded events onto the bus, and those that came without a key to their shards."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from snnlab.cli.options import Entity, Features, Label, Timestamp, split

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from tqdm import tqdm

    from snnlab.streams import Bus

__all__ = ["rekey", "replay"]


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

    from snnlab import logs, tracing
    from snnlab.workflows.replay import replay as published
    from snnlab.workflows.source import load_stream

    logs.configure()
    tracing.start("snnlab-replay")
    columns = {"timestamp": timestamp, "entity": entity, "features": split(features), "label": label}
    stream = load_stream("", source, columns=columns)
    with tqdm(total=len(stream), desc=topic, unit=" events", disable=not sys.stderr.isatty()) as bar:
        try:
            done = published(stream, to, topic, speed=speed, shards=shards, progress=_counted(bar))
        finally:
            tracing.stop()
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
    from snnlab import logs, streams, tracing
    from snnlab.errors import ConfigError

    if not bus.startswith("pulsar"):
        raise ConfigError(f"{bus!r}: only Pulsar has producers that cannot key; the embedded bus keys what it takes")
    logs.configure()
    tracing.start("snnlab-rekey")
    try:
        with streams.connect(bus) as opened:
            if topic not in {info.name for info in opened.streams()}:
                opened.create(topic, shards)
            _rekey(opened, raw, topic, key)
    finally:
        tracing.stop()


def _rekey(bus: "Bus", raw: str, topic: str, key: str) -> None:
    from snnlab.errors import BusError
    from snnlab.logs import logger
    from snnlab.streams.pulsar import PulsarBus
    from snnlab.streams.pulsar.rekey import Rekey

    if not isinstance(bus, PulsarBus):
        return
    log = logger("snnlab.streams", stream=topic)
    stage = Rekey(bus, raw, topic, key=key)
    published = dead = 0
    try:
        while True:
            try:
                done = stage.step()
            except BusError as error:
                log.warning("rekey waits; it tries again", reason=str(error))
                continue
            published, dead = published + done.published, dead + done.dead
    except KeyboardInterrupt:
        stage.close()
    typer.echo(f"{topic}: {published} events republished, {dead} set aside as dead letters")
