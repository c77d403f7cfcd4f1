"""Serving's parts put together: which are asked for, and which need servers that cannot be started here."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from snnlab.bench import serving, serving_anomalies, serving_checkpoint, serving_pulsar, serving_workers
from snnlab.bench.rows import Row
from snnlab.bench.servers import Pair, real_pair
from snnlab.errors import ConfigError
from snnlab.stores import connect
from snnlab.streams.sqlite import SqliteBus

__all__ = ["PARTS", "run"]

PARTS = ("service", "checkpoint", "anomalies", "pulsar", "workers")
_LIVE = PARTS[1:]
NOTES = (
    "Stream, broker, store and client share the machine; a figure of processor time is that of an idle one. Pauses and "
    "latencies are those of the machine as it was."
)


def run(
    parts: Sequence[str], *, events: int = 1_000, rounds: int = 3, anomalies: int = 1_000_000
) -> tuple[list[Row], str]:
    """The rows of some parts, all if none are named, and notes. Raises ConfigError for a part that there is not."""
    chosen = tuple(parts) or PARTS
    if unknown := set(chosen) - set(PARTS):
        raise ConfigError(f"no part {', '.join(sorted(unknown))} of serving; there is {', '.join(PARTS)}")
    rows = serving.run(events=events, rounds=rounds) if "service" in chosen else []
    notes = [serving.NOTES] if rows else []
    if live := [part for part in chosen if part in _LIVE]:
        rows += _embedded(live, anomalies)
        with real_pair() as pair:
            rows += _real(live, pair, anomalies) if isinstance(pair, Pair) else []
        notes.append(NOTES if isinstance(pair, Pair) else f"{NOTES} Without Pulsar and Ignite: {pair}.")
    return rows, " ".join(notes)


def _embedded(parts: Sequence[str], anomalies: int) -> list[Row]:
    rows = serving_checkpoint.run() if "checkpoint" in parts else []
    if "anomalies" in parts:
        rows += _anomalies(None, "serving.anomalies.sqlite", anomalies)
    return rows


def _real(parts: Sequence[str], pair: Pair, anomalies: int) -> list[Row]:
    rows = []
    if "checkpoint" in parts:
        rows += serving_checkpoint.run(pair.fresh().store, name="serving.checkpoint.pause.ignite")
    if "pulsar" in parts:
        rows += serving_pulsar.run(pair)
    if "workers" in parts:
        rows += serving_workers.run(pair)
    if "anomalies" in parts:
        rows += _anomalies(pair.fresh().store, "serving.anomalies.ignite", anomalies)
    return rows


def _anomalies(url: str | None, name: str, count: int) -> list[Row]:
    with TemporaryDirectory(prefix="snnlab-bench-") as place:
        where = url or f"sqlite:///{Path(place) / 'store.db'}"
        with SqliteBus(Path(place) / "bus.db") as bus, connect(where) as store:
            return serving_anomalies.run(store, bus, name, count=count)
