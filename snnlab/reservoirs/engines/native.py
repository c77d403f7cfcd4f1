"""The native engine: one compiled call for a micro-batch of events, without the interpreter's lock."""

from dataclasses import dataclass
from typing import final
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Int32, Int64

from snnlab.errors import ConfigError
from snnlab.reservoirs.engines import native_kernels
from snnlab.reservoirs.engines.base import Activity, Raster
from snnlab.reservoirs.network import Network
from snnlab.reservoirs.neurons import psp_peak
from snnlab.reservoirs.plasticity import Homeostasis, Stdp
from snnlab.types import Array, Arrays

__all__ = ["Native", "NativeAttached", "Plan"]


@dataclass(frozen=True, eq=False)
class Plan:
    """A network's constants as the kernels read them."""

    net: tuple[Array, ...]
    """targets, bias, excitatory, incoming ptr, source and place, potentiation, depression."""
    inputs: tuple[Array, ...]
    """targets, weights."""
    params: tuple[Array, ...]
    """Reals; whole numbers (refractory, delay, settle ticks, plastic); times (ms); homeostasis."""

    @classmethod
    def of(cls, network: Network) -> "Plan":
        """The constants of a network."""
        lif, real = network.lif, network.real
        step, stdp = lif.propagators, Stdp.of(network.config, network.w_max)
        homeostasis, delta = Homeostasis.of(network.config), network.config.reservoir.input_synapse == "delta"
        reals = [step.membrane, step.current_to_membrane, step.bias, step.current]
        reals += [float(np.exp(-lif.tick / lif.tau_adaptation)), lif.v_threshold, lif.v_reset, lif.adaptation]
        reals += [network.lateral, network.w_max, psp_peak(lif.tau_membrane, lif.tau_synapse)]
        reals += [float(delta), float(not delta), 0.0, 1e-30]
        whole = [lif.refractory, lif.delay, network.config.reservoir.settle_ticks, int(network.plastic)]
        times = [lif.tau_membrane, lif.tau_synapse, lif.tau_adaptation, lif.tick]
        homeo = [homeostasis.target, homeostasis.rate_up, homeostasis.rate_down]
        homeo += [homeostasis.lowest, homeostasis.highest, homeostasis.gain_rate]
        incoming = network.incoming
        return cls(
            net=(
                network.targets,
                network.bias,
                network.excitatory,
                incoming.ptr,
                incoming.source,
                incoming.place,
                stdp.potentiation.astype(real),
                stdp.depression.astype(real),
            ),
            inputs=(network.input_targets, network.input_weights),
            params=(np.array(reals, real), np.array(whole, np.int64), np.array(times), np.array(homeo)),
        )


_PLANS: WeakKeyDictionary[Network, Plan] = WeakKeyDictionary()


def _plan(network: Network) -> Plan:
    plan = _PLANS.get(network)
    if plan is None:
        plan = _PLANS[network] = Plan.of(network)
    return plan


@final
class NativeAttached:
    """The native engine on one shard's arrays, with its scratch and buffers; see :class:`.base.Attached`."""

    __slots__ = ("_arrays", "_count", "_network", "_neuron", "_ptr", "_scratch", "_totals")

    def __init__(self, network: Network, learned: Arrays, state: Arrays) -> None:
        plan, n = _plan(network), network.n_neurons
        self._network = network
        self._arrays = (
            plan.net, plan.inputs, _learned(network, learned), learned["homeostat"], _state(network, state), plan.params
        )  # fmt: skip
        self._totals = np.zeros(2, np.int64)
        self._scratch = _scratch(n, network.real, self._totals)
        self._ptr = np.zeros(2, np.int64)
        self._neuron, self._count = np.empty(n, np.int32), np.empty(n, np.uint8)

    def drive(
        self,
        rows: Int32[np.ndarray, " n"],
        spikes_address: Int32[np.ndarray, "n m"],
        spikes_tick: Int32[np.ndarray, "n m"],
        gap: Int64[np.ndarray, " n"],
        ticks: int,
        learn: bool = True,
    ) -> Activity:
        """See :meth:`.base.Attached.drive`."""
        size = rows.size
        if self._ptr.size <= size:
            self._widen(size)
        events, done = (rows, spikes_address, spikes_tick, gap), 0
        while True:
            out = self._ptr, self._neuron, self._count
            done = native_kernels.drive(self._arrays, self._scratch, events, done, ticks, learn, out)
            if done == size:
                break
            if done < 0:
                raise ConfigError(_bad_events(self._network, -1 - done, events, ticks))
            self._deepen()
        spikes, synaptic = self._totals.tolist()
        used = self._ptr.item(size)
        return Activity(self._ptr[: size + 1], self._neuron[:used], self._count[:used], spikes, synaptic)

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

    def warm(self, network: Network) -> None:
        """See :meth:`.base.Engine.warm`."""
        learned, state = network.fresh_learned(), network.fresh_state(1)
        silent, row = np.full((1, 1), -1, np.int32), np.zeros(1, np.int32)
        self.drive(network, learned, state, row, silent, silent, np.zeros(1, np.int64), 1)
        self.simulate(network, learned, state, 0, (np.zeros(2, np.int64), row[:0]))

    def attach(self, network: Network, learned: Arrays, state: Arrays) -> "NativeAttached":
        """See :meth:`.base.Engine.attach`."""
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
        """See :meth:`.base.Engine.drive`."""
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
        """See :meth:`.base.Engine.simulate`."""
        plan, n = _plan(network), network.n_neurons
        ptr, address = _events(raster_in[0], np.int64), _events(raster_in[1], np.int32)
        _check_raster(network, ptr, address)
        arrays = _state(network, state)
        if not 0 <= row < arrays[0].shape[0]:
            raise ConfigError(f"row {row} of a state of {arrays[0].shape[0]} rows")
        totals, parts, done, ticks = np.zeros(2, np.int64), [], 0, ptr.size - 1
        scratch = _scratch(n, network.real, totals)
        while done < ticks:
            room = max(n, (ticks - done) * max(1, n // 16))
            tick, neuron = np.empty(room, np.int32), np.empty(room, np.int32)
            done, used = native_kernels.simulate(
                plan.net, plan.inputs, _learned(network, learned), learned["homeostat"],
                tuple(array[row] for array in arrays), plan.params, scratch, (ptr, address), done, learn,
                (tick, neuron),
            )  # fmt: skip
            parts.append((tick[:used], neuron[:used]))
        return Raster(*_joined(parts, np.int32), int(totals[1]))


def _joined(parts: list[tuple[Array, Array]], second: type[np.generic] = np.uint8) -> tuple[Array, Array]:
    if len(parts) == 1:
        return parts[0]
    first = np.concatenate([np.empty(0, np.int32), *(part[0] for part in parts)])
    return first, np.concatenate([np.empty(0, second), *(part[1] for part in parts)])


def _events(array: Array, kind: type[np.generic]) -> Array:
    return np.ascontiguousarray(array, kind)


def _learned(network: Network, learned: Arrays) -> tuple[Array, Array]:
    weights = learned["weights"] if network.plastic else network.weights
    if weights.shape != network.weights.shape or weights.dtype != network.real or not weights.flags.carray:
        raise ConfigError(
            f"learned weights are {weights.dtype} {weights.shape}; this network learns writable "
            f"{network.real} {network.weights.shape}: take them from network.fresh_learned()"
        )
    return learned["threshold"], weights.reshape(-1)


def _state(network: Network, state: Arrays) -> tuple[Array, ...]:
    arrays = state["membrane"], state["current"], state["adaptation"], state["age"]
    shape = (arrays[0].shape[0], network.targets.shape[0])
    for array in arrays:
        if array.shape != shape or not array.flags.carray:
            raise ConfigError(
                f"a state of shape {array.shape} does not fit {network.n_neurons} neurons, or is read-only or not "
                "contiguous: take it from network.fresh_state(capacity)"
            )
    return arrays


def _check_raster(network: Network, ptr: Array, address: Array) -> None:
    if ptr.size < 1 or ptr[0] != 0 or ptr[-1] != address.size or (np.diff(ptr) < 0).any():
        raise ConfigError("ptr must rise from 0 to the number of addresses, one entry more than there are ticks")
    if address.size and not 0 <= int(address.min()) <= int(address.max()) < network.n_inputs:
        raise ConfigError(f"input neurons {address.min()} to {address.max()}; there are 0 to {network.n_inputs - 1}")


def _bad_events(network: Network, e: int, events: tuple[Array, ...], ticks: int) -> str:
    rows, address, when, gap = events
    if e == rows.size:
        return (
            f"{rows.size} rows, {gap.size} gaps, spikes {address.shape} at {when.shape}, {ticks} ticks: give every "
            "event one row, one gap, one line of spikes and of their ticks, and at least one tick"
        )
    return (
        f"event {e} has row {rows[e]}, gap {gap[e]}, spikes {address[e].tolist()} in ticks {when[e].tolist()}: rows "
        f"lie in the state, gaps are not negative, spikes are -1 (none) to {network.n_inputs - 1}, "
        f"ticks are 0 to {ticks - 1}"
    )


def _scratch(n: int, real: np.dtype[np.floating], totals: Array) -> tuple[Array, ...]:
    """Spikes of a tick, who fired, what arrives by synapses and by inputs, counts of an event, totals of a call."""
    return (
        np.empty(n + 1, np.int64), np.empty(n, np.uint8), np.zeros(n, real), np.zeros(n, real), totals,
        np.zeros(n, np.uint8),
    )  # fmt: skip
