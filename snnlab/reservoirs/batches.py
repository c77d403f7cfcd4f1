"""Many entities, or many networks, at once and without learning: on CUDA if it is there and wanted, else on all cores.

``performance.gpu_acceleration`` is what wants it. Events that a detector learns from come one after the other, so they
are none of this: the native engine runs them.
"""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from importlib.util import find_spec
from typing import Any

from snnlab.reservoirs.engines import Engine, Raster, engine
from snnlab.reservoirs.network import Network
from snnlab.types import Array, Arrays

__all__ = ["accelerated", "replay", "sweep"]

Given = tuple[Array, Array]


def accelerated(network: Network) -> Engine:
    """The engine for a batch of this network: Norse or snnTorch on CUDA where the network wants it and it is there.

    Otherwise the native one, with one notice that says why where the network did want it.

    >>> from snnlab.config import NeuromorphicConfig
    >>> accelerated(Network.build(NeuromorphicConfig().replace({"reservoir.neurons": 20}), 5)).name
    'native'
    """
    if not network.config.performance.gpu_acceleration:
        return engine("native")
    name, why = _torch_engine()
    if name is not None:
        return engine(name, device="cuda")
    _notice_once(why)
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


def sweep(networks: Mapping[str, Network], raster: Given, chosen: Engine | None = None) -> dict[str, Raster]:
    """The same input to each of several networks, from rest: how a parameter changes the answer.

    >>> import numpy as np
    >>> from snnlab.config import NeuromorphicConfig
    >>> config = NeuromorphicConfig().replace({"reservoir.neurons": 50})
    >>> weak, strong = (config.replace({"reservoir.input_strength": strength}) for strength in (0.1, 0.8))
    >>> given = np.arange(101) * 4, np.arange(400, dtype=np.int32) % 10
    >>> found = sweep({"weak": Network.build(weak, 10), "strong": Network.build(strong, 10)}, given)
    >>> bool(found["weak"].tick.size < found["strong"].tick.size)
    True
    """

    def run(network: Network) -> Raster:
        on = accelerated(network) if chosen is None else chosen
        return on.simulate(network, network.fresh_learned(), network.fresh_state(1), 0, raster)

    with ThreadPoolExecutor(1 if chosen is not None and chosen.name != "native" else os.cpu_count()) as pool:
        return dict(zip(networks, pool.map(run, networks.values()), strict=True))


def _torch_engine() -> tuple[str | None, str]:
    """The engine that runs on CUDA here; or None, and why."""
    from snnlab.errors import ConfigError

    for name in ("norse", "snntorch"):
        if find_spec(name) is not None:
            try:
                engine(name, device="cuda")
            except ConfigError as error:
                return None, str(error)
            return name, ""
    return None, "neither norse nor snntorch is installed: pip install 'snnlab[research]'"


@cache
def _notice_once(why: str) -> None:
    import structlog

    structlog.get_logger("snnlab").info(
        f"performance.gpu_acceleration means 'if present': replays and sweeps run on the processor, since {why}"
    )
