"""Time of a tick in Brian 2: its cython target, and a C++ program of its own; both in its own precision, float64."""

import subprocess
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from jaxtyping import Float64

from snnlab.bench.timing import processor_seconds
from snnlab.reservoirs.engines.peers.brian2 import brian2_session
from snnlab.reservoirs.engines.peers.brian2_model import NEAREST, Brian2Model, Rule
from snnlab.reservoirs.engines.peers.run import Run

__all__ = ["Brian2Cython", "Brian2Program"]


_REPORT = 'std::ofstream("processor_seconds") << double(std::clock() - begun) / CLOCKS_PER_SEC;'


class Brian2Cython:
    """Runs on by ``ticks`` a round; ``run`` holds the input of two rounds more than are measured."""

    def __init__(self, run: Run, ticks: int) -> None:
        self._ticks = ticks
        with brian2_session("cython", np.float64) as b2:
            self._model = Brian2Model(b2, run)
            self._model.network.run(self._model.tick)  # compiles

    def time(self, at: int) -> Float64[np.ndarray, " 1"]:
        """µs a tick, without what each call of Brian 2's ``run`` takes to begin."""
        del at
        network, tick = self._model.network, self._model.tick
        with brian2_session("cython", np.float64):
            begin = min(processor_seconds(partial(network.run, tick)) for _ in range(3))
            taken = processor_seconds(partial(network.run, (self._ticks + 1) * tick)) - begin
        return np.array([1e6 * taken / self._ticks])


class Brian2Program:
    """A C++ program, built once and run once a round; timed without loading and a few first ticks."""

    _WARM = 20

    def __init__(self, run: Run, ticks: int, stack: ExitStack, rule: Rule = NEAREST) -> None:
        folder = stack.enter_context(TemporaryDirectory(prefix="snnlab-bench-"))
        self._folder, self._ticks = Path(folder), ticks
        with brian2_session("cpp_standalone", np.float64, folder) as b2:
            model = Brian2Model(b2, run, rule)
            model.network.run(self._WARM * model.tick)
            b2.device.insert_code("main", "const std::clock_t begun = std::clock();")
            model.network.run(ticks * model.tick)
            b2.device.insert_code("main", _REPORT)
            b2.device.build(directory=folder, compile=True, run=False, with_output=False)

    def time(self, at: int) -> Float64[np.ndarray, " 1"]:
        """µs a tick."""
        del at
        subprocess.run(  # noqa: S603 - the program that was just built
            [str(self._folder / "main"), "--results_dir", f"{self._folder / 'results'}/"],
            cwd=self._folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        taken = float((self._folder / "processor_seconds").read_text(encoding="utf-8"))
        return np.array([1e6 * taken / self._ticks])
