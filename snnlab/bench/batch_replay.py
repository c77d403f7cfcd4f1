"""Many entities replayed at once on a CUDA device, beside the native engine on all cores and beside Norse there.

Wall time of the whole call, what goes to the device and comes back included. So do networks that learn, a sweep.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
from jaxtyping import Float64

from snnlab.bench.rows import Row
from snnlab.bench.timing import Spread, in_turn, seconds, settled
from snnlab.errors import ConfigError
from snnlab.reservoirs import Engine, Network, engine, replay, sweep
from snnlab.types import Array

__all__ = ["ENTITIES", "NETWORKS", "device", "measures", "rows"]

ENTITIES, NETWORKS = 1024, 256
"""How many are replayed, and how many learn, at once."""
_OF_NORSE = 64
"""Entities that Norse replays: it takes as long for each as any."""

Given = tuple[Array, Array]
Measure = Callable[[int], Float64[np.ndarray, " 1"]]


def device(name: str = "cuda", **options: str) -> Engine | None:
    """An engine on a CUDA device; None where there is no device, or the engine is not installed."""
    try:
        return engine(name, **options)
    except ConfigError:
        return None


def measures(network: Network, given: Given, engines: Mapping[str, tuple[Engine, int]]) -> dict[str, Measure]:
    """µs a tick of an entity, by engine; each round replays so many fresh rows."""

    def measure(at: int, *, on: Engine, entities: int) -> Float64[np.ndarray, " 1"]:
        del at
        learned, state = network.fresh_learned(), network.fresh_state(entities)
        taken = seconds(lambda: replay(network, learned, state, range(entities), [given] * entities, on))
        return np.array([1e6 * taken / ((given[0].size - 1) * entities)])

    return {name: partial(measure, on=on, entities=entities) for name, (on, entities) in engines.items()}


def rows(static: Network, learning: Network, given: Given, rounds: int) -> list[Row]:
    """What a CUDA device is worth here; nothing where there is none."""
    on, cores = device(), engine("native")
    if on is None:
        return []
    size, name = static.n_neurons, "native, all cores"
    found = [
        _row(
            f"engine.replay.{size}.cuda",
            measures(static, given, {"own": (on, ENTITIES), "peer": (cores, ENTITIES)}),
            rounds,
            name,
        )
    ]
    if (norse := device("norse", device="cuda")) is not None:
        beside = measures(static, given, {"own": (on, ENTITIES), "peer": (norse, _OF_NORSE)})
        found.append(_row(f"engine.replay.{size}.cuda.norse", beside, rounds, f"norse on cuda, {_OF_NORSE} entities"))
    return [*found, _row(f"engine.sweep.{size}.cuda", _learning(learning, given, on, cores), rounds, name)]


def _learning(network: Network, given: Given, on: Engine, cores: Engine) -> dict[str, Measure]:
    """The same, of networks that learn by STDP, each its own weights."""
    networks = {str(number): replace(network) for number in range(NETWORKS)}

    def measure(at: int, *, chosen: Engine) -> Float64[np.ndarray, " 1"]:
        del at
        learned = {name: one.fresh_learned() for name, one in networks.items()}
        taken = seconds(lambda: sweep(networks, given, chosen, learned))
        return np.array([1e6 * taken / ((given[0].size - 1) * NETWORKS)])

    return {"own": partial(measure, chosen=on), "peer": partial(measure, chosen=cores)}


def _row(name: str, found: Mapping[str, Measure], rounds: int, peer: str) -> Row:
    with settled():
        times = in_turn(rounds, **found)
    own, other = (Spread.of(times[key]) for key in ("own", "peer"))
    return Row.of(name, own, "us/tick", peer=peer, peer_value=other, better="lower")
