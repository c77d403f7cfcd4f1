"""The native engine: one compiled call for a micro-batch of events, without the interpreter's lock."""

from typing import final

import numpy as np
from jaxtyping import Int32, Int64

from snnlab.config import ReservoirLayer
from snnlab.errors import ConfigError
from snnlab.reservoirs.engines import tally
from snnlab.reservoirs.engines.base import Activity, Raster
from snnlab.reservoirs.engines.fitting import bad_events, check_raster, check_row
from snnlab.reservoirs.engines.native import kernels
from snnlab.reservoirs.engines.native.deferred import simulate_deferred
from snnlab.reservoirs.engines.native.frame import Frame, frame_of
from snnlab.reservoirs.engines.native.plan import NO_VOLLEYS, plan_of
from snnlab.reservoirs.network import Network
from snnlab.types import Array, Arrays

__all__ = ["Native", "NativeAttached"]

_LONG = 48
"""Ticks from which bringing all rows up to date at the end costs less than what deferring saves."""


_JOINED = 20
"""Neurons for each synapse of an input neuron up to which a network is small enough for volleys."""


@final
class NativeAttached:
    """The native engine on one shard's arrays, with its scratch and buffers; see :class:`..base.Attached`.

    ``volleys`` are runs of input neurons that may fire as one, the first and how many: what they bring together stands
    ready, and the address of volley v is ``v`` after those of the input neurons.
    """

    __slots__ = ("_count", "_frame", "_network", "_neuron", "_ptr", "_totals", "_volleys")

    def __init__(
        self, network: Network, learned: Arrays, state: Arrays, volleys: Int64[np.ndarray, "v 2"] = NO_VOLLEYS
    ) -> None:
        plan, n = plan_of(network), network.n_neurons
        self._network, self._volleys = network, len(volleys)
        scratch = plan.scratch()
        self._frame, self._totals = frame_of(plan.arrays(learned, state, volleys=volleys), scratch), scratch.totals
        self._ptr = np.zeros(2, np.int64)
        self._neuron, self._count = np.empty(n, np.int32), np.empty(n, np.uint8)

    @property
    def frame(self) -> Frame:
        """What :func:`.kernels.drive` takes, for compiled code that calls it."""
        frame: Frame = self._frame
        return frame

    def drive(
        self,
        rows: Int32[np.ndarray, " n"],
        spikes_address: Int32[np.ndarray, "n m"],
        spikes_tick: Int32[np.ndarray, "n m"],
        gap: Int64[np.ndarray, " n"],
        ticks: int,
        learn: bool = True,
    ) -> Activity:
        """See :meth:`..base.Attached.drive`."""
        size = rows.size
        if self._ptr.size <= size:
            self._widen(size)
        done = 0
        while True:
            done = kernels.drive(
                self._frame, rows, spikes_address, spikes_tick, gap, done, ticks, learn, self._ptr, self._neuron,
                self._count,
            )  # fmt: skip
            if done == size:
                break
            if done < 0:
                events = rows, spikes_address, spikes_tick, gap
                raise ConfigError(bad_events(self._network, -1 - done, events, ticks, self._volleys))
            self._deepen()
        self.tell()
        used = self._ptr.item(size)
        return Activity(self._ptr[: size + 1], self._neuron[:used], self._count[:used], *self._totals.tolist())

    def tell(self) -> None:
        """Tell the open tallies what the last call of the kernel did; compiled code that calls it is to tell too."""
        if tally.OPEN:
            tally.add(*self._totals.tolist())

    def _widen(self, size: int) -> None:
        """Room for that many events, each of which may fire as a sixteenth of the network."""
        n = self._network.n_neurons
        self._ptr = np.zeros(size + 1, np.int64)
        room = max(n, size * max(8, n // 16))
        if room > self._neuron.size:
            self._neuron, self._count = np.empty(room, np.int32), np.empty(room, np.uint8)

    def _deepen(self) -> None:
        """Twice the room, what is there kept."""
        self._neuron = np.concatenate([self._neuron, np.empty_like(self._neuron)])
        self._count = np.concatenate([self._count, np.empty_like(self._count)])


@final
class Native:
    """Runs networks on the processor, in float32 or, for correctness, in float64.

    >>> from snnlab.config import NeuromorphicConfig
    >>> network = Network.build(NeuromorphicConfig().replace({"reservoir.neurons": 64}), n_inputs=10)
    >>> learned, state = network.fresh_learned(), network.fresh_state(2)
    >>> address = np.array([[0, 3], [1, -1], [0, 3]], np.int32)
    >>> activity = Native().drive(
    ...     network, learned, state, np.array([0, 1, 0], np.int32), address, np.zeros_like(address),
    ...     np.array([0, 0, 5]), ticks=4,
    ... )
    >>> len(activity), activity.ptr[0].item()
    (3, 0)
    """

    name = "native"

    @staticmethod
    def kernel(network: Network) -> str:
        """What delivers this network's spikes on this processor, for a report.

        >>> from snnlab.config import NeuromorphicConfig
        >>> Native.kernel(Network.build(NeuromorphicConfig().replace({"reservoir.neurons": 64}), n_inputs=10))
        'float32 rows'
        """
        names = {"rows": "rows", "levels": "rows of levels", "masks": "AVX-512 expansion of bit masks"}
        return f"{network.config.performance.spike_precision} {names[plan_of(network).kernel]}"

    @staticmethod
    def joins(layer: ReservoirLayer) -> bool:
        """Whether adding what a volley brings to every neuron costs less than what its input neurons bring one by one.

        >>> Native.joins(ReservoirLayer(neurons=256)), Native.joins(ReservoirLayer(neurons=10_000))
        (True, False)
        """
        return layer.neurons <= _JOINED * layer.input_degree

    def warm(self, network: Network) -> None:
        """See :meth:`..base.Engine.warm`."""
        learned, state = network.fresh_learned(), network.fresh_state(1)
        silent, row = np.full((1, 1), -1, np.int32), np.zeros(1, np.int32)
        self.drive(network, learned, state, row, silent, silent, np.zeros(1, np.int64), 1)
        self.simulate(network, learned, state, 0, (np.zeros(2, np.int64), row[:0]))

    def attach(self, network: Network, learned: Arrays, state: Arrays) -> "NativeAttached":
        """See :meth:`..base.Engine.attach`."""
        return NativeAttached(network, learned, state)

    def drive(
        self,
        network: Network,
        learned: Arrays,
        state: Arrays,
        rows: Int32[np.ndarray, " n"],
        spikes_address: Int32[np.ndarray, "n m"],
        spikes_tick: Int32[np.ndarray, "n m"],
        gap: Int64[np.ndarray, " n"],
        ticks: int,
        learn: bool = True,
    ) -> Activity:
        """See :meth:`..base.Engine.drive`."""
        rows, gap = _events(rows, np.int32), _events(gap, np.int64)
        address, when = _events(spikes_address, np.int32), _events(spikes_tick, np.int32)
        return self.attach(network, learned, state).drive(rows, address, when, gap, ticks, learn)

    def simulate(
        self,
        network: Network,
        learned: Arrays,
        state: Arrays,
        row: int,
        raster_in: tuple[Int64[np.ndarray, " t+1"], Int32[np.ndarray, " s"]],
        learn: bool = False,
    ) -> Raster:
        """See :meth:`..base.Engine.simulate`.

        A long run of a large network learns by STDP deferred, which rounds otherwise than pairs one by one: within
        5e-6 of the greatest weight (:mod:`snnlab.reservoirs.plasticity.stdp_deferred`).
        """
        plan, n = plan_of(network), network.n_neurons
        ptr, address = _events(raster_in[0], np.int64), _events(raster_in[1], np.int32)
        check_raster(network, ptr, address)
        check_row(state, row)
        ticks, scratch = ptr.size - 1, plan.scratch()
        deferred = learn and ticks >= _LONG and plan.defers
        frame = frame_of(plan.arrays(learned, state, by_target=not deferred), scratch)
        if deferred:
            deferral = plan.deferral(state["age"][row])
            room = n * (ticks // (network.lif.refractory + 1) + 1)  # taken only as it is written
            out = np.empty(room, np.int32), np.empty(room, np.int32)
            used = simulate_deferred(frame, deferral, row, ptr, address, *out)
            return Raster(out[0][:used].copy(), out[1][:used].copy(), *scratch.totals[1:].tolist())
        parts, done = [], 0
        while done < ticks:
            room = max(n, (ticks - done) * max(1, n // 16))
            out = np.empty(room, np.int32), np.empty(room, np.int32)
            done, used = kernels.simulate(frame, row, ptr, address, done, learn, *out)
            parts.append((out[0][:used], out[1][:used]))
        return Raster(*_joined(parts), *scratch.totals[1:].tolist())


def _joined(parts: list[tuple[Array, Array]]) -> tuple[Array, Array]:
    if len(parts) == 1:
        return parts[0]
    first, second = zip(*parts, strict=True) if parts else ((), ())
    none = np.empty(0, np.int32)
    return np.concatenate([none, *first]), np.concatenate([none, *second])


def _events(array: Array, kind: type[np.generic]) -> Array:
    return np.ascontiguousarray(array, kind)
