"""Time of a tick in PyTorch on one thread: spiking rows added by index, and the dense cells of Norse and snnTorch."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float64

from snnlab.bench.timing import processor_seconds
from snnlab.reservoirs.engines.peers.run import Run
from snnlab.reservoirs.engines.peers.torch_batch import Batch, Cell, Constants, device_of

__all__ = ["DenseCells", "SpikingRows"]


@contextmanager
def _one_thread() -> Iterator[Any]:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.no_grad():
            yield torch
    finally:
        torch.set_num_threads(threads)


class DenseCells:
    """A cell of a library on a dense matrix; each round runs the same ticks again."""

    def __init__(self, run: Run, cell: Callable[[Constants], Cell], name: str) -> None:
        device = device_of("cpu", name)
        self._ticks, self._batch = run.ticks, Batch([run], cell(Constants.of(run, device)), device)

    def time(self, at: int) -> Float64[np.ndarray, " 1"]:
        """µs a tick."""
        del at
        with _one_thread():
            return np.array([1e6 * processor_seconds(self._batch.simulate) / self._ticks])


class SpikingRows:
    """What one writes by hand: the rows of those that fired, added with ``index_add_``; delay 1, no adaptation."""

    def __init__(self, run: Run) -> None:
        import torch

        network, step = run.network, run.network.lif.propagators
        self._run, self._decay, self._lif = run, step, network.lif
        self._targets = torch.as_tensor(network.targets.astype(np.int64))
        self._weights, self._bias = torch.as_tensor(run.weights), torch.as_tensor(network.bias * step.bias)
        self._input_targets = torch.as_tensor(network.input_targets.astype(np.int64))
        self._input_weights = torch.as_tensor(network.input_weights * np.float32(run.gain))
        self._v, self._i = torch.as_tensor(run.membrane.copy()), torch.as_tensor(run.current.copy())
        self._left = torch.zeros(network.n_neurons, dtype=torch.int64)
        self._fired = torch.zeros(0, dtype=torch.int64)
        self._address = torch.as_tensor(run.address.astype(np.int64))

    def time(self, at: int) -> Float64[np.ndarray, " 1"]:
        """µs a tick."""
        del at
        with _one_thread() as torch:
            return np.array([1e6 * processor_seconds(partial(self.simulate, torch)) / self._run.ticks])

    def simulate(self, torch: Any) -> int:  # noqa: ANN401
        """All ticks once; the number of spikes."""
        ptr, total = self._run.ptr.tolist(), 0
        for t in range(self._run.ticks):
            self._step(torch, self._address[ptr[t] : ptr[t + 1]])
            total += self._fired.numel()
        return total

    def _step(self, torch: Any, address: Any) -> None:  # noqa: ANN401
        arriving = torch.zeros_like(self._i)
        arriving.index_add_(0, self._targets[self._fired].ravel(), self._weights[self._fired].ravel())
        self._i.index_add_(0, self._input_targets[address].ravel(), self._input_weights[address].ravel())
        potential = self._decay.membrane * self._v + self._decay.current_to_membrane * self._i + self._bias
        active = self._left == 0
        spike = active & (potential >= self._lif.v_threshold)
        self._i = self._decay.current * self._i + arriving
        self._v = torch.where(spike, self._lif.v_reset, torch.where(active, potential, self._v))
        self._left = torch.where(spike, self._lif.refractory, (self._left - 1).clamp(min=0))
        self._fired = spike.nonzero().ravel()
