"""Brian 2 as an engine: the same network, compiled by Brian 2 or run by its NumPy target.

M. Stimberg, R. Brette & D. F. M. Goodman, Brian 2, an intuitive and efficient neural simulator, eLife 2019.
"""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from shutil import which
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any, ClassVar, Literal, final, get_args

import numpy as np

from snnlab.errors import ConfigError, EngineMissing
from snnlab.reservoirs.engines.base import Raster
from snnlab.reservoirs.engines.peers.brian2_model import Brian2Model
from snnlab.reservoirs.engines.peers.engine import PeerEngine
from snnlab.reservoirs.engines.peers.run import Run, needed, refuse
from snnlab.reservoirs.network import Network
from snnlab.types import Array, Arrays

__all__ = ["Brian2", "Target", "brian2_session"]

Target = Literal["numpy", "cython", "cpp_standalone"]

_LOCK = Lock()


@contextmanager
def brian2_session(target: Target, precision: type[np.generic], directory: str | None = None) -> Iterator[Any]:
    """Brian 2 with this target and precision, and afterwards as it was; one at a time, its settings are the process's.

    With ``cpp_standalone`` it builds in ``directory`` when the device is told to. Raises EngineMissing.
    """
    needed("brian2", "brian2", "brian2")
    import brian2 as b2
    from brian2.devices.device import reset_device

    with _LOCK:
        logging.getLogger("brian2").setLevel(logging.ERROR)
        prefs = b2.prefs
        before = prefs.codegen.target, prefs.core.default_float_dtype
        prefs.core.default_float_dtype = precision
        if target == "cpp_standalone":
            b2.set_device("cpp_standalone", build_on_run=False, directory=directory)
        else:
            prefs.codegen.target = target
        try:
            yield b2
        finally:
            if target == "cpp_standalone":
                b2.get_device().reinit()
                reset_device()
            prefs.codegen.target, prefs.core.default_float_dtype = before


@final
@dataclass(frozen=True)
class Brian2(PeerEngine):
    """Runs networks in Brian 2, by its ``target`` numpy, cython (compiled, cached) or cpp_standalone (a program).

    It expresses everything of a network but homeostasis and the rules of plasticity other than STDP. Every call builds
    and compiles anew, a second or more: give it long rasters.

    Raises ConfigError on another target, EngineMissing where Brian 2, or a compiler for the target, is not installed.
    """

    target: Target = "numpy"

    name: ClassVar[str] = "brian2"

    def __post_init__(self) -> None:
        """Check the target."""
        if self.target not in get_args(Target):
            raise ConfigError(f"brian2 has no target {self.target!r}; there is {', '.join(get_args(Target))}")
        needed("brian2", "brian2", "brian2")
        compilers = os.environ.get("CXX", "g++"), "g++", "clang++", "c++"
        if self.target != "numpy" and os.name == "posix" and not any(map(which, compilers)):
            raise EngineMissing(
                f"engine 'brian2' compiles for target {self.target!r}, and there is no C++ compiler: install g++, or "
                "take target 'numpy'"
            )

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
        with (
            TemporaryDirectory(prefix="snnlab-brian2-") as folder,
            brian2_session(self.target, run.network.real.type, folder) as b2,
        ):
            model = Brian2Model(b2, run)
            model.network.run(model.duration)
            if self.target == "cpp_standalone":
                b2.device.build(directory=folder, compile=True, run=True, with_output=False)
            return _read(run, model, learned, state, row)


def _read(run: Run, model: Brian2Model, learned: Arrays, state: Arrays, row: int) -> Raster:
    group = model.group
    adaptation = np.asarray(group.a) if run.network.lif.adaptation > 0.0 else None
    if model.plastic is not None:
        learned["weights"][run.learning] = np.asarray(model.plastic.w)
    return run.finish(state, row, model.raster(), (np.asarray(group.v), np.asarray(group.g), adaptation))


def _check(run: Run) -> None:
    lif = run.network.lif
    under_way = bool((run.age < lif.delay).any())
    refuse(
        "brian2",
        {
            "equal time constants, since its exact solution divides by their difference": (
                lif.tau_membrane == lif.tau_synapse, "set neuron.tau_synapse apart from neuron.tau_membrane",
            ),
            "homeostasis": (run.homeostatic, "set learning.homeostasis.rate to 0, or simulate with learn=False"),
            f"the rule {run.network.config.learning.algorithm}": (
                run.other_rule, "set learning.algorithm to STDP, or simulate with learn=False",
            ),
            "spikes under way for more than a tick while it learns": (
                run.plastic and lif.delay > 1 and under_way, "begin from a row that has been silent",
            ),
        },
    )  # fmt: skip
