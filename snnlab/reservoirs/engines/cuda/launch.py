"""From arrays to the CUDA device and back: one launch for all jobs, and again for those whose output was full."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Int32, Int64
from numba import cuda, from_dtype

from snnlab.errors import ConfigError
from snnlab.reservoirs.engines.base import Raster
from snnlab.reservoirs.engines.cuda.kernel import ARRIVED, MOST_THREADS, NEXT, USED, kernel_of, pack, places
from snnlab.reservoirs.engines.cuda.resident import Resident
from snnlab.reservoirs.network import Network
from snnlab.types import Array, Arrays

__all__ = ["Batch", "launch"]

_OUTPUT = 2**26
"""Spikes that one launch has room for, unless a tick of all its jobs might have more."""
_SHARING = 256
"""Most threads of a block where several share a multiprocessor."""

_Spikes = tuple[Int32[np.ndarray, " s"], Int32[np.ndarray, " s"]]


@dataclass(frozen=True, eq=False)
class Batch:
    """Jobs: which of the ``networks``, all of one shape, and of the ``rasters`` each has, and a line of states."""

    networks: Sequence[tuple[Network, Arrays]]
    of: Sequence[int]
    rasters: Sequence[tuple[Int64[np.ndarray, " t+1"], Int32[np.ndarray, " s"]]]
    given: Sequence[int]
    states: tuple[Array, ...]
    """Membranes, currents, adaptation, ages and traces; a launch lets them go on, in place."""
    learn: int = 0
    """What networks learn by, in place, and each from one job only: see :func:`.kernel.kernel_of`."""

    @property
    def most(self) -> int:
        """Input spikes in a tick that sums have room for: in few steps, so that networks stay on the device."""
        most = max(int(np.diff(ptr).max(initial=0)) for ptr, _ in self.rasters)
        return 1 << max(8, most.bit_length() + most.bit_length() % 4)

    def table(self) -> Int64[np.ndarray, "b 6"]:
        """For each job its network, where its ticks begin, their number, and room for what the kernel tells."""
        begins = np.cumsum([0, *(ptr.size for ptr, _ in self.rasters)])
        table = np.zeros((len(self.of), 6), np.int64)
        table[:, 0], table[:, 1] = self.of, begins[list(self.given)]
        table[:, 2] = np.diff(begins)[list(self.given)] - 1
        return table


def launch(batch: Batch, device: int = 0, threads: int | None = None) -> list[Raster]:
    """Run all jobs.

    Raises ConfigError where an array does not fit its network, or all of it the device; nothing has changed then.
    """
    with cuda.gpus[device], warnings.catch_warnings(), _room(batch):
        warnings.filterwarnings("ignore", message=".*Grid size")  # does not fill the device: that is for whoever calls
        resident = Resident(batch.networks, batch.most, device, batch.learn)
        states = tuple(cuda.to_device(array) for array in batch.states)
        spikes, arrived = _spikes(batch, resident, states, threads)
        for own, array in zip(batch.states, states, strict=True):
            if own.size:
                array.copy_to_host(own)
        resident.take_learned()
    return [
        Raster(*own, events * network.targets.shape[1] + address.size * network.input_targets.shape[1],
               (ptr.size - 1) * network.n_neurons)
        for own, events, (network, _), (ptr, address) in zip(
            spikes, arrived, (batch.networks[of] for of in batch.of), (batch.rasters[at] for at in batch.given),
            strict=True,
        )
    ]  # fmt: skip


@contextmanager
def _room(batch: Batch) -> Iterator[None]:
    """A device without room for a batch, as an error that says so."""
    try:
        yield
    except Exception as error:
        if "OUT_OF_MEMORY" not in str(error):
            raise
        jobs, neurons = batch.states[0].shape
        raise ConfigError(
            f"engine 'cuda' has no room for {jobs} entities of {neurons} neurons on this device: simulate fewer at "
            "once, or shorter rasters, or use engine 'native'"
        ) from error


def _sent_rasters(batch: Batch) -> tuple[Any, Any]:
    """All input on the device, one raster after the other."""
    firsts = np.cumsum([0, *(address.size for _, address in batch.rasters)])
    ptr = np.concatenate([own + first for (own, _), first in zip(batch.rasters, firsts[:-1], strict=True)])
    address = np.concatenate([*(own for _, own in batch.rasters), np.zeros(1, np.int32)])
    return cuda.to_device(ptr), cuda.to_device(address)


def _spikes(
    batch: Batch, resident: Resident, states: tuple[Any, ...], threads: int | None
) -> tuple[list[_Spikes], list[int]]:
    """Launch until all are done: the spikes of each job, and how many recurrent ones arrived."""
    raster, table = _sent_rasters(batch), batch.table()
    count, n, ticks = len(table), states[0].shape[1], int(table[:, 2].max())
    level = np.promote_types(resident.nets[1].dtype, np.int32)
    place, shared = places(n, level.itemsize)
    room = max(n, min(ticks * max(8, n // 16), _OUTPUT // count))
    sums = _scratch((count, n if place < 2 else 1), np.int64), _scratch((count, n if place < 1 else 1), level)
    lists = _scratch((count, 2, n), np.int32), _scratch((count, 2, n), np.int32)
    outs = _scratch((count, room), np.int32), _scratch((count, room), np.int32)
    size = threads or _block(n, count)
    run, jobs = kernel_of(place, from_dtype(level), batch.learn)[count, size, 0, shared], cuda.to_device(table)
    parts: list[list[_Spikes]] = []
    while not parts or (table[:, NEXT] < table[:, 2]).any():
        run(resident.nets, resident.rules, raster, states, sums, lists, outs, jobs)
        jobs.copy_to_host(table)
        parts.append(_packed(outs, table[:, USED]))
    found = parts[0] if len(parts) == 1 else [_joined(own) for own in zip(*parts, strict=True)]
    return found, table[:, ARRIVED].tolist()


def _packed(outs: tuple[Any, Any], used: Int64[np.ndarray, " b"]) -> list[_Spikes]:
    """The spikes of each job, brought to the host in one piece."""
    ends = np.concatenate([[0], np.cumsum(used)])
    packed = _scratch((2, int(ends[-1])), np.int32)
    pack[used.size, 256](outs, cuda.to_device(ends), packed)
    tick, neuron = packed.copy_to_host()
    return [(tick[begin:end], neuron[begin:end]) for begin, end in pairwise(ends.tolist())]


def _joined(parts: Sequence[_Spikes]) -> _Spikes:
    tick, neuron = (np.concatenate(column) for column in zip(*parts, strict=True))
    return tick, neuron


def _block(neurons: int, jobs: int) -> int:
    """Threads for each job."""
    alone = jobs <= cuda.get_current_device().MULTIPROCESSOR_COUNT
    return min(MOST_THREADS if alone else _SHARING, max(64, -(-neurons // 32) * 32))


def _scratch(shape: tuple[int, ...], kind: Any) -> Any:  # noqa: ANN401
    return cuda.device_array(tuple(max(1, size) for size in shape), kind)
