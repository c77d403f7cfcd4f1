"""Time of a tick in NEST, on one thread."""

from contextlib import ExitStack
from functools import partial

import numpy as np
from jaxtyping import Float64

from snnlab.bench.timing import processor_seconds
from snnlab.reservoirs.engines.peers.nest import nest_session
from snnlab.reservoirs.engines.peers.nest_model import NestModel
from snnlab.reservoirs.engines.peers.run import Run

__all__ = ["NestKernel"]


class NestKernel:
    """NEST's kernel, held until ``stack`` is left; it runs on by ``ticks`` a round."""

    def __init__(self, run: Run, ticks: int, stack: ExitStack) -> None:
        self._model, self._ticks = NestModel(stack.enter_context(nest_session(threads=1)), run), ticks

    def time(self, at: int) -> Float64[np.ndarray, " 1"]:
        """µs a tick."""
        del at
        return np.array([1e6 * processor_seconds(partial(self._model.advance, self._ticks)) / self._ticks])
