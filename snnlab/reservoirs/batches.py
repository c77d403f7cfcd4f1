"""Many entities, or many networks that may learn, at once: on CUDA if it is there and wanted, else on all cores.

``performance.gpu_acceleration`` is what wants it. Events that a detector learns from come one after the other, so they
are none of this: the native engine runs them.
"""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Any

from snnlab.reservoirs.engines import Engine, Raster, engine
from snnlab.reservoirs.network import Network
from snnlab.types import Array, Arrays

__all__ = ["accelerated", "replay", "sweep"]

Given = tuple[Array, Array]


def accelerated(network: Network) -> Engine:
    """The engine for a batch of this network: ``cuda`` where the network wants it and there is a device.

    Otherwise the native one, with one notice that says why where the network did want it.

    >>> from snnlab.config import NeuromorphicConfig
    >>> accelerated(Network.build(NeuromorphicConfig().replace({"reservoir.neurons": 20}), 5)).name
    'native'
    """
    from snnlab.errors import ConfigError

    if not network.config.performance.gpu_acceleration:
        return engine("native")
    try:
        return engine("cuda")
    except ConfigError as error:
        _notice_once(str(error))
        return engine("native")


def replay(
    network: Network,
    learned: Arrays,
    state: Arrays,
    rows: Sequence[int],
    rasters: Sequence[Given],
    chosen: Engine | None = None,
) -> list[Raster]:
    """Simulate rows of a state, each once and with input of its own; the state goes on, nothing is learnt.

    The engine is :func:`accelerated`'s unless one is ``chosen``. Raises ConfigError as its ``simulate`` does, and
    where a row comes twice.
    """
    from snnlab.errors import ConfigError

    if len(set(rows)) != len(rows) or len(rows) != len(rasters):
        raise ConfigError(
            f"rows {list(rows)} with {len(rasters)} rasters: give each row once, with a raster of its own"
        )
    on: Any = accelerated(network) if chosen is None else chosen
    if hasattr(on, "simulate_rows"):
        found: list[Raster] = on.simulate_rows(network, learned, state, rows, rasters)
        return found
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(partial(on.simulate, network, learned, state), rows, rasters))


def sweep(
    networks: Mapping[str, Network],
    raster: Given,
    chosen: Engine | None = None,
    learned: Mapping[str, Arrays] | None = None,
) -> dict[str, Raster]:
    """The same input to each of several networks, from rest: how a parameter changes the answer, or what is learnt.

    They learn, each in its own ``learned`` and in place, where these are given. Raises ConfigError where the engine
    cannot learn by a network's rule.

    >>> import numpy as np
    >>> from snnlab.config import NeuromorphicConfig
    >>> config = NeuromorphicConfig().replace({"reservoir.neurons": 50})
    >>> weak, strong = (config.replace({"reservoir.input_strength": strength}) for strength in (0.1, 0.8))
    >>> networks = {"weak": Network.build(weak, 10), "strong": Network.build(strong, 10)}
    >>> given = np.arange(101) * 4, np.arange(400, dtype=np.int32) % 10
    >>> found = sweep(networks, given)
    >>> bool(found["weak"].tick.size < found["strong"].tick.size)
    True
    >>> learned = {name: network.fresh_learned() for name, network in networks.items()}
    >>> learning = sweep(networks, given, learned=learned)
    >>> bool(learned["strong"]["threshold"].max() > 0.0)
    True
    """
    found: dict[str, Raster] = {}
    for on, own in _by_engine(networks, chosen):
        arrays = [learned[name] for name in own] if learned is not None else None
        if hasattr(on, "simulate_networks"):
            rasters = on.simulate_networks(list(own.values()), raster, arrays)
        else:
            alone = arrays or [network.fresh_learned() for network in own.values()]
            with ThreadPoolExecutor(os.cpu_count() if on.name == "native" else 1) as pool:
                run = partial(_from_rest, on, raster, learn=learned is not None)
                rasters = list(pool.map(run, own.values(), alone))
        found |= zip(own, rasters, strict=True)
    return {name: found[name] for name in networks}


def _by_engine(networks: Mapping[str, Network], chosen: Engine | None) -> list[tuple[Any, dict[str, Network]]]:
    """Engines, each with the networks that it is to run."""
    found: dict[str, tuple[Any, dict[str, Network]]] = {}
    for name, network in networks.items():
        on = accelerated(network) if chosen is None else chosen
        found.setdefault(on.name, (on, {}))[1][name] = network
    return list(found.values())


def _from_rest(on: Engine, raster: Given, network: Network, learned: Arrays, *, learn: bool) -> Raster:
    return on.simulate(network, learned, network.fresh_state(1), 0, raster, learn)


@cache
def _notice_once(why: str) -> None:
    import structlog

    structlog.get_logger("snnlab").info(
        f"performance.gpu_acceleration means 'if present': replays and sweeps run on the processor, since {why}"
    )
