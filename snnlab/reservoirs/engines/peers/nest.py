"""NEST as an engine: ``iaf_psc_exp`` neurons with static synapses, or with nearest-neighbour STDP.

M.-O. Gewaltig & M. Diesmann, NEST (NEural Simulation Tool), Scholarpedia 2007. The order of operations within a tick
is NEST's own, so static networks fire spike for spike.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any, ClassVar, final

import numpy as np

from snnlab.errors import ConfigError
from snnlab.reservoirs.engines.base import Raster
from snnlab.reservoirs.engines.peers.engine import PeerEngine
from snnlab.reservoirs.engines.peers.nest_model import NestModel
from snnlab.reservoirs.engines.peers.run import Run, needed, refuse
from snnlab.reservoirs.network import Network
from snnlab.types import Array, Arrays

__all__ = ["Nest", "nest_session"]

_LOCK = Lock()


@contextmanager
def nest_session(threads: int = 1) -> Iterator[Any]:
    """NEST with an empty kernel, and an empty one afterwards: a process has one. Raises EngineMissing."""
    with _LOCK:
        nest = _imported()
        nest.ResetKernel()
        nest.verbosity = nest.VerbosityLevel.ERROR
        nest.local_num_threads = threads
        try:
            yield nest
        finally:
            nest.ResetKernel()


def _imported() -> Any:  # noqa: ANN401 - NEST has no types
    """NEST greets on standard output unless it is told not to."""
    before = os.environ.get("PYNEST_QUIET")
    os.environ["PYNEST_QUIET"] = "1"
    try:
        needed("nest", "nest", "nest-simulator")
        import nest
    finally:
        if before is None:
            del os.environ["PYNEST_QUIET"]
    return nest


@final
@dataclass(frozen=True)
class Nest(PeerEngine):
    """Runs networks in NEST, on ``threads`` threads.

    ``iaf_psc_exp`` has neither adaptation nor a jump of the membrane, and its refractory counter cannot be set: a run
    begins with all neurons ready and no spike under way. STDP is ``stdp_nn_symm_synapse``, which sees post spikes a
    delay late: pairs closer than the delay are taken for their opposite, so its weights are near, not equal.

    Raises ConfigError where there is no thread to run on, EngineMissing where NEST is not installed.
    """

    threads: int = 1

    name: ClassVar[str] = "nest"

    def __post_init__(self) -> None:
        """Check."""
        if self.threads < 1:
            raise ConfigError(f"nest cannot run on {self.threads} threads; give at least 1")
        _imported()

    def simulate_rows(
        self,
        network: Network,
        learned: Arrays,
        state: Arrays,
        rows: Sequence[int],
        rasters: Sequence[tuple[Array, Array]],
        *,
        learn: bool = False,
    ) -> list[Raster]:
        """See :meth:`.engine.PeerEngine.simulate_rows`: one after the other."""
        return [
            self._simulate(Run.of(network, learned, state, row, given, learn), learned, state, row)
            for row, given in zip(rows, rasters, strict=True)
        ]

    def _simulate(self, run: Run, learned: Arrays, state: Arrays, row: int) -> Raster:
        _check(run)
        if not run.ticks:
            return Raster(np.empty(0, np.int32), np.empty(0, np.int32))
        with nest_session(self.threads) as nest:
            model = NestModel(nest, run)
            model.advance(run.ticks)
            membrane, current = model.settle()
            spikes = model.raster()
            weights = model.weights(*spikes) if run.plastic else None
        if weights is not None:
            learned["weights"][run.learning] = weights
        return run.finish(state, row, spikes, (membrane, current, None))


def _check(run: Run) -> None:
    lif, reservoir = run.network.lif, run.network.config.reservoir
    busy = (run.age < max(lif.refractory, lif.delay)).any()
    forgotten = run.age * lif.tick > 37.0 * max(
        run.network.config.learning.tau_pre, run.network.config.learning.tau_post
    )
    odd = abs(lif.tick * 1000.0 - round(lif.tick * 1000.0)) > 1e-9
    delta = reservoir.input_synapse == "delta" and run.address.size > 0
    refuse(
        "nest",
        {
            "an adaptive threshold in iaf_psc_exp": (lif.adaptation > 0.0, "set neuron.adaptation to 0"),
            "lateral inhibition": (bool(run.network.lateral), "set reservoir.inhibition to 0"),
            "input on the membrane at once": (delta, "set reservoir.input_synapse to exponential"),
            f"a tick of {lif.tick} ms, which is no whole number of microseconds": (odd, "choose another tick"),
            "homeostasis": (run.homeostatic, "set learning.homeostasis.rate to 0, or simulate with learn=False"),
            f"the rule {run.network.config.learning.algorithm}": (
                run.other_rule, "set learning.algorithm to STDP, or simulate with learn=False",
            ),
            "neurons that begin refractory, or spikes under way": (
                bool(busy), "begin from a row that has been silent, such as a fresh one",
            ),
            "spikes from before the run that pair with its own": (
                run.plastic and not bool(forgotten.all()), "learn from a fresh row",
            ),
        },
    )  # fmt: skip
