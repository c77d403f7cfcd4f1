"""What the PyTorch engines share: many entities at once, a tick at a time, on the processor or on CUDA.

A cell of the library integrates the neurons and fires them. Beside it are kept, exactly as in
:mod:`snnlab.reservoirs.neurons`: the delay (the cell is given the spikes of an older tick), the adaptive threshold (the
cell is given the threshold of each tick) and lateral inhibition (one more weight, the same for all). Weights are dense.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from snnlab.errors import ConfigError
from snnlab.reservoirs.engines.base import Raster
from snnlab.reservoirs.engines.peers.run import Run, needed, refuse
from snnlab.types import Array, Arrays

__all__ = ["Batch", "Cell", "Constants", "device_of", "simulate_batch"]

# Tensors are Any: torch is imported where it is used, and its types are not read.
_CHUNK = 128
"""Ticks of spikes that are kept as a table before they become a list."""


@dataclass(frozen=True, eq=False)
class Constants:
    """A network's numbers as tensors: weights are [targets, sources]; ``b`` rows run at once."""

    recurrent: Any
    inputs: Any
    bias: Any
    run: Run
    delta: bool
    """Whether input goes to the membrane at once."""

    @classmethod
    def of(cls, run: Run, device: Any) -> "Constants":  # noqa: ANN401
        """Of a run, and so of all runs with the same network and learned arrays."""
        import torch

        network, n = run.network, run.network.n_neurons
        recurrent = np.full((n, n), -network.lateral, network.real)
        sources = np.repeat(np.arange(n), network.targets.shape[1])
        np.add.at(recurrent, (network.targets.ravel().astype(np.int64), sources), run.weights.ravel())
        inputs = np.zeros((n, network.n_inputs), network.real)
        sources = np.repeat(np.arange(network.n_inputs), network.input_targets.shape[1])
        np.add.at(inputs, (network.input_targets.ravel().astype(np.int64), sources), network.input_weights.ravel())
        arrays = recurrent, (run.gain * inputs).astype(network.real), network.bias
        tensors = [torch.as_tensor(array, device=device) for array in arrays]
        return cls(tensors[0], tensors[1], tensors[2], run, network.config.reservoir.input_synapse == "delta")


class Cell(Protocol):
    """Neurons of a library; all tensors are [rows, neurons]."""

    def __init__(self, constants: "Constants") -> None:
        """Neurons of this network."""

    def begin(self, membrane: Any, current: Any, left: Any) -> None:  # noqa: ANN401
        """Begin with these membranes and currents; ``left`` ticks of refractoriness, this one included."""

    def step(self, arrived: Any, given: Any, threshold: Any) -> Any:  # noqa: ANN401
        """One tick: recurrent spikes that arrived at the end of the last one, input spikes of this one; who fires."""

    def end(self, arrived: Any) -> tuple[Any, Any]:  # noqa: ANN401
        """Membranes and currents, once the spikes that arrive at the end of the last tick are in."""


def device_of(name: str, engine: str) -> Any:  # noqa: ANN401
    """A device of PyTorch. Raises ConfigError where there is none of that name, EngineMissing without PyTorch.

    >>> device_of("cpu", "norse").type
    'cpu'
    """
    needed("torch", engine, "torch")
    import torch

    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"engine {engine!r} knows no device {name!r}: take cpu, cuda or cuda:<number>") from error
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device.type == "cuda" and (device.index or 0) >= count:
        raise ConfigError(f"engine {engine!r} cannot run on {name!r}: torch sees {count} CUDA devices; take cpu")
    return device


def simulate_batch(
    name: str,
    runs: Sequence[Run],
    state: Arrays,
    rows: Sequence[int],
    make: Callable[[Constants], Cell],
    device: Any,  # noqa: ANN401
) -> list[Raster]:
    """Run all rows at once, each for its own ticks. Raises ConfigError where something is to learn."""
    import torch

    if not runs:
        return []
    _check(name, runs[0])
    with torch.no_grad():
        batch = Batch(runs, make(Constants.of(runs[0], device)), device)
        spikes, after = batch.simulate()
    return [
        run.finish(state, row, own, own_after)
        for run, row, own, own_after in zip(runs, rows, spikes, after, strict=True)
    ]


def _check(name: str, run: Run) -> None:
    rule, way_out = run.network.config.learning.algorithm, "simulate with learn=False"
    refuse(name, {f"plasticity ({rule})": (run.plastic, way_out), "homeostasis": (run.homeostatic, way_out)})


class Batch:
    """Rows that run at once, until the longest is done; what is simulated of a row after its own end is thrown away."""

    def __init__(self, runs: Sequence[Run], cell: Cell, device: Any) -> None:  # noqa: ANN401
        import torch

        self._runs, self._cell, self._device = runs, cell, device
        lif, network = runs[0].network.lif, runs[0].network
        self._real = torch.float64 if network.real == np.float64 else torch.float32
        self._adaptation = self._stack("adaptation")
        self._adapts = lif.adaptation > 0.0
        self._kept = float(np.exp(-lif.tick / lif.tau_adaptation))
        self._threshold = torch.as_tensor(runs[0].threshold, device=device)
        age = torch.as_tensor(np.stack([run.age for run in runs]), device=device)
        self._late = [torch.zeros_like(self._adaptation)]
        self._late += [(age == lif.delay - t).to(self._real) for t in range(1, lif.delay + 1)]
        cell.begin(self._stack("membrane"), self._stack("current"), (lif.refractory - age).clamp(min=0).to(self._real))
        self._given = _by_tick(runs, device)

    def _stack(self, name: str) -> Any:  # noqa: ANN401
        import torch

        return torch.as_tensor(np.stack([getattr(run, name) for run in self._runs]), device=self._device)

    def simulate(self) -> tuple[list[tuple[Array, Array]], list[tuple[Array, Array, Array]]]:
        """Spikes (tick, neuron) and what is left, for each row."""
        lengths = np.array([run.ticks for run in self._runs])
        after: list[Any] = [None] * lengths.size
        table, found = [], []
        for t in range(int(lengths.max()) + 1):
            for b in np.flatnonzero(lengths == t):
                after[b] = self._after(int(b), t)
            if t == lengths.max():
                break
            table.append(self._tick(t))
            if len(table) == _CHUNK:
                found.append(_listed(table, t + 1 - _CHUNK))
                table = []
        found.append(_listed(table, int(lengths.max()) - len(table)))
        tick, row, neuron = (np.concatenate(columns) for columns in zip(*found, strict=True))
        own = [(row == b) & (tick < length) for b, length in enumerate(lengths)]
        return [(tick[some], neuron[some]) for some in own], after

    def _tick(self, t: int) -> Any:  # noqa: ANN401
        lif = self._runs[0].network.lif
        slot = t % (lif.delay + 1)
        if self._adapts:
            self._adaptation = self._kept * self._adaptation
        fired = self._cell.step(self._late[slot], self._given(t), self._threshold + self._adaptation)
        if self._adapts:
            self._adaptation = self._adaptation + lif.adaptation * fired
        self._late[slot] = fired
        return fired > 0

    def _after(self, b: int, t: int) -> tuple[Array, Array, Array]:
        membrane, current = self._cell.end(self._late[t % (self._runs[0].network.lif.delay + 1)])
        return membrane[b].cpu().numpy(), current[b].cpu().numpy(), self._adaptation[b].cpu().numpy()


def _listed(table: list[Any], first: int) -> tuple[Array, Array, Array]:
    """Tick, row and neuron of the spikes of a table."""
    import torch

    if not table:
        return (np.zeros(0, np.int64),) * 3
    tick, row, neuron = torch.nonzero(torch.stack(table), as_tuple=True)
    return tick.cpu().numpy() + first, row.cpu().numpy(), neuron.cpu().numpy()


def _by_tick(runs: Sequence[Run], device: Any) -> Callable[[int], Any]:  # noqa: ANN401
    """Input spikes of all rows in a tick, as counts [rows, inputs]; None where there are none."""
    import torch

    when = np.concatenate([run.when for run in runs])
    row = np.repeat(np.arange(len(runs)), [run.address.size for run in runs])
    address = np.concatenate([run.address for run in runs]).astype(np.int64)
    order = np.argsort(when, kind="stable")
    ptr = np.searchsorted(when[order], np.arange(max(run.ticks for run in runs) + 1)).tolist()
    flat = torch.as_tensor(row[order] * runs[0].network.n_inputs + address[order], device=device)
    shape = len(runs), runs[0].network.n_inputs
    real = torch.float64 if runs[0].network.real == np.float64 else torch.float32
    ones = torch.ones(flat.numel(), dtype=real, device=device)

    def given(tick: int) -> Any:  # noqa: ANN401
        begin, end = ptr[tick], ptr[tick + 1]
        if begin == end:
            return None
        counts = torch.zeros(shape[0] * shape[1], dtype=real, device=device)
        return counts.index_add_(0, flat[begin:end], ones[begin:end]).view(shape)

    return given
