"""Two shards on two threads: how much faster than one after the other. Kernels release the interpreter's lock."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from jaxtyping import Float64

from snnlab.bench.engine_network import begun
from snnlab.bench.timing import seconds
from snnlab.reservoirs import Network, engine
from snnlab.types import Array

__all__ = ["BAR", "speed_up"]

BAR = 1.8


def speed_up(
    network: Network, given: tuple[Array, Array], *, learn: bool
) -> Callable[[int], Float64[np.ndarray, " 2"]]:
    """A measure of a round: seconds on one thread, and on two. Each shard has learned and state of its own."""
    native = engine("native")
    shards = [(network.fresh_learned(), begun(network)) for _ in range(2)]
    works = [partial(native.simulate, network, learned, state, 0, given, learn) for learned, state in shards]

    def alone() -> None:
        for work in works:
            work()

    def together() -> None:
        with ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(work) for work in works]:
                done.result()

    def measure(at: int) -> Float64[np.ndarray, " 2"]:
        del at
        return np.array([seconds(alone), seconds(together)])

    return measure
