"""From arrays to the CUDA device and back: one launch for all jobs, and again for those whose output was full."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Int32, Int64
from numba import cuda, from_dtype

from snnlab.reservoirs.engines.base import Raster
from snnlab.reservoirs.engines.cuda_kernel import ARRIVED, NEXT, STDP, USED, kernel_of, pack, places
from snnlab.reservoirs.engines.cuda_plan import Rows, input_rows, numbers, recurrent_rows, rule_of
from snnlab.reservoirs.network import Network
from snnlab.types import Array, Arrays

__all__ = ["Batch", "launch"]

_OUTPUT = 2**26
"""Spikes that one launch has room for, unless a tick of all its jobs might have more."""
_THREADS = (512, 256)
"""Most of a block: where each has a multiprocessor of its own, and where they share."""

_HELD: WeakKeyDictionary[Network, dict[tuple[int, int], tuple[Any, ...]]] = WeakKeyDictionary()
"""What never changes of a network, on a device."""
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
    """What networks learn by, in place, and each from one job only: see :func:`.cuda_kernel.kernel_of`."""

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
    """Run all jobs. Raises ConfigError where an array does not fit its network; nothing has changed then."""
    with cuda.gpus[device]:
        nets, rules = _networks(batch, device)
        states = tuple(cuda.to_device(array) for array in batch.states)
        spikes, arrived = _spikes(batch, nets, rules, states, threads)
        for own, array in zip(batch.states, states, strict=True):
            if own.size:
                array.copy_to_host(own)
        _take_learned(batch, nets, rules)
    return [
        Raster(*own, events * network.targets.shape[1] + address.size * network.input_targets.shape[1],
               (ptr.size - 1) * network.n_neurons)
        for own, events, (network, _), (ptr, address) in zip(
            spikes, arrived, (batch.networks[of] for of in batch.of), (batch.rasters[at] for at in batch.given),
            strict=True,
        )
    ]  # fmt: skip


def _networks(batch: Batch, device: int) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The networks and what they learn by as the kernel takes them, each array with a line a network."""
    most, networks = batch.most, batch.networks
    if len(networks) == 1 and not networks[0][0].plastic:
        held = _HELD.setdefault(networks[0][0], {})
        if (device, most) not in held:
            held[device, most] = _sent_rows(batch, most)
        *rows, scales = held[device, most]
    else:
        *rows, scales = _sent_rows(batch, most)
    others = [
        (network.bias, learned["threshold"], *numbers(network, *scale), learned["homeostat"])
        for (network, learned), scale in zip(networks, scales, strict=True)
    ]
    learning = networks if batch.learn else networks[:1]
    rules = [rule_of(network, learned, scale) for (network, learned), (scale, _) in zip(learning, scales, strict=False)]
    return (*rows, *_sent(others)), _sent(rules)


def _sent_rows(batch: Batch, most: int) -> tuple[Any, ...]:
    """Targets and levels, recurrent and of input, on the device; and the scales of the levels, a pair a network."""
    learn = batch.learn == STDP
    pairs = [
        (recurrent_rows(network, learned, learn=learn), input_rows(network, most))
        for network, learned in batch.networks
    ]
    arrays = [(*_arrays(recurrent), *_arrays(given)) for recurrent, given in pairs]
    return *_sent(arrays), [(recurrent.scale, given.scale) for recurrent, given in pairs]


def _arrays(rows: Rows) -> tuple[Array, Array]:
    return rows.targets, rows.levels


def _sent(lines: Sequence[tuple[Array, ...]]) -> tuple[Any, ...]:
    """Arrays on the device, a line for each network; shorter ones are filled up with zeros, which are never read."""
    return tuple(cuda.to_device(_stacked(column)) for column in zip(*lines, strict=True))


def _stacked(arrays: Sequence[Array]) -> Array:
    if len({array.shape for array in arrays}) == 1:
        return np.stack(arrays)
    stacked = np.zeros((len(arrays), max(array.size for array in arrays)), arrays[0].dtype)
    for line, array in zip(stacked, arrays, strict=True):
        line[: array.size] = array
    return stacked


def _take_learned(batch: Batch, nets: tuple[Any, ...], rules: tuple[Any, ...]) -> None:
    """Bring back what was learnt."""
    if not batch.learn:
        return
    found = {"threshold": nets[5], "homeostat": nets[9]} | ({"weights": rules[0]} if batch.learn == STDP else {})
    for name, array in found.items():
        for (_, learned), own in zip(batch.networks, array.copy_to_host(), strict=True):
            learned[name][:] = own


def _sent_rasters(batch: Batch) -> tuple[Any, Any]:
    """All input on the device, one raster after the other."""
    firsts = np.cumsum([0, *(address.size for _, address in batch.rasters)])
    ptr = np.concatenate([own + first for (own, _), first in zip(batch.rasters, firsts[:-1], strict=True)])
    address = np.concatenate([*(own for _, own in batch.rasters), np.zeros(1, np.int32)])
    return cuda.to_device(ptr), cuda.to_device(address)


def _spikes(
    batch: Batch, nets: tuple[Any, ...], rules: tuple[Any, ...], states: tuple[Any, ...], threads: int | None
) -> tuple[list[_Spikes], list[int]]:
    """Launch until all are done: the spikes of each job, and how many recurrent ones arrived."""
    raster, table = _sent_rasters(batch), batch.table()
    count, n, ticks = len(table), states[0].shape[1], int(table[:, 2].max())
    level = np.dtype(np.int32) if nets[1].dtype == np.int8 else nets[1].dtype
    place, shared = places(n, level.itemsize)
    room = max(n, min(ticks * max(8, n // 16), _OUTPUT // count))
    sums = _scratch((count, n if place < 2 else 1), np.int64), _scratch((count, n if place < 1 else 1), level)
    lists = _scratch((count, 2, n), np.int32), _scratch((count, 2, n), np.int32)
    outs = _scratch((count, room), np.int32), _scratch((count, room), np.int32)
    size = threads or _block(n, count)
    run, jobs = kernel_of(place, from_dtype(level), batch.learn)[count, size, 0, shared], cuda.to_device(table)
    parts: list[list[_Spikes]] = []
    while not parts or (table[:, NEXT] < table[:, 2]).any():
        with warnings.catch_warnings():  # of a grid that does not fill the device: that is for whoever calls
            warnings.filterwarnings("ignore", message=".*Grid size")
            run(nets, rules, raster, states, sums, lists, outs, jobs)
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
    return min(_THREADS[not alone], max(64, -(-neurons // 32) * 32))


def _scratch(shape: tuple[int, ...], kind: Any) -> Any:  # noqa: ANN401
    return cuda.device_array(tuple(max(1, size) for size in shape), kind)
