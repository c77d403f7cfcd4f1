"""Many entities replayed at once on a device of PyTorch, beside the native engine on all cores; wall time."""

from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
from jaxtyping import Float64

from snnlab.bench.timing import seconds
from snnlab.reservoirs import Network, engine, replay
from snnlab.types import Array

__all__ = ["ROWS", "cuda_is_here", "measures"]

ROWS = 64


def cuda_is_here() -> bool:
    """Whether Norse is installed and PyTorch sees a CUDA device."""
    from snnlab.errors import ConfigError

    if find_spec("norse") is None:
        return False
    try:
        engine("norse", device="cuda")
    except ConfigError:
        return False
    return True


def measures(
    network: Network, given: tuple[Array, Array], device: str = "cuda"
) -> dict[str, Callable[[int], Float64[np.ndarray, " 1"]]]:
    """µs a tick of an entity, natively and in Norse on the device; each round replays :data:`ROWS` fresh rows."""

    def on(name: str, **options: str) -> Callable[[int], Float64[np.ndarray, " 1"]]:
        chosen, ticks = engine(name, **options), given[0].size - 1

        def measure(at: int) -> Float64[np.ndarray, " 1"]:
            del at
            learned, state = network.fresh_learned(), network.fresh_state(ROWS)
            taken = seconds(lambda: replay(network, learned, state, range(ROWS), [given] * ROWS, chosen))
            return np.array([1e6 * taken / (ticks * ROWS)])

        return measure

    return {"native": on("native"), "device": on("norse", device=device)}
