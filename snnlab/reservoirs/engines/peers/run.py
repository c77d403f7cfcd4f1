"""What engines around another simulator share: one checked run in, spikes and the state after it out, refusals by name.

A peer simulates one entity from where its state stands and brings it to where it then stands, as ``native`` does; what
follows from the spikes alone (ages, traces, counts) is worked out here, once for all of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

import numpy as np
from jaxtyping import Bool, Float, Int32, Int64

from snnlab.errors import ConfigError, EngineMissing
from snnlab.reservoirs.engines.base import Raster
from snnlab.reservoirs.engines.fitting import check_raster, check_row, state_of, weights_of
from snnlab.reservoirs.network import NEVER, Network
from snnlab.reservoirs.plasticity import Stdp
from snnlab.types import Array, Arrays

__all__ = ["Run", "needed", "refuse", "refuse_learning"]


def needed(module: str, engine: str, package: str) -> ModuleType:
    """The module that an engine runs on. Raises EngineMissing, which says how to install it.

    >>> needed("no_such_simulator", "nest", "nest-simulator")
    Traceback (most recent call last):
    snnlab.errors.EngineMissing: engine 'nest' needs the package nest-simulator, which is not installed: \
pip install 'snnlab[research]'
    """
    try:
        return import_module(module)
    except (ImportError, OSError, RuntimeError) as error:  # a library that is there may fail to load
        lacks = "is not installed" if isinstance(error, ModuleNotFoundError) else f"cannot be imported ({error})"
        raise EngineMissing(
            f"engine {engine!r} needs the package {package}, which {lacks}: pip install 'snnlab[research]'"
        ) from error


def refuse(engine: str, lacking: Mapping[str, tuple[bool, str]]) -> None:
    """Raise ConfigError for the first thing wanted that the engine lacks, with the way out.

    >>> refuse("nest", {"lateral inhibition": (True, "set reservoir.inhibition to 0")})
    Traceback (most recent call last):
    snnlab.errors.ConfigError: engine 'nest' cannot express lateral inhibition: set reservoir.inhibition to 0, or use \
engine 'native'
    """
    for what, (wanted, way_out) in lacking.items():
        if wanted:
            raise ConfigError(f"engine {engine!r} cannot express {what}: {way_out}, or use engine 'native'")


def refuse_learning(engine: str, network: Network, *, learn: bool) -> None:
    """Refuse to learn from the events of several entities, which would have to take turns. Raises ConfigError."""
    learns = network.plastic or network.config.learning.homeostasis.rate > 0.0
    way_out = "drive with learn=False, or simulate one entity"
    refuse(engine, {"learning from events": (learn and learns, way_out)})


@dataclass(frozen=True, eq=False)
class Run:
    """One entity's run, checked: what to begin from and what comes in."""

    network: Network
    weights: Float[np.ndarray, "i k"]
    """Recurrent weights as they stand, real."""
    threshold: Float[np.ndarray, " i"]
    """Of each neuron, its learned offset included."""
    gain: float
    """Of the input."""
    membrane: Float[np.ndarray, " i"]
    current: Float[np.ndarray, " i"]
    adaptation: Float[np.ndarray, " i"]
    age: Int64[np.ndarray, " i"]
    ptr: Int64[np.ndarray, " t+1"]
    address: Int32[np.ndarray, " s"]
    plastic: bool
    """Whether its synapses are to learn."""
    homeostatic: bool
    """Whether thresholds and gain are to learn."""

    @classmethod
    def of(
        cls, network: Network, learned: Arrays, state: Arrays, row: int, raster_in: tuple[Array, Array], learn: bool
    ) -> "Run":
        """Raises ConfigError where something does not fit."""
        ptr, address = np.ascontiguousarray(raster_in[0], np.int64), np.ascontiguousarray(raster_in[1], np.int32)
        check_raster(network, ptr, address)
        check_row(state, row)
        membrane, current, adaptation, age, _ = (array[row] for array in state_of(network, state))
        held = weights_of(network, learned).reshape(network.targets.shape)
        return cls(
            network=network,
            weights=held if not network.quantised else network.weights,
            threshold=network.real.type(network.lif.v_threshold) + learned["threshold"],
            gain=float(learned["homeostat"][0]),
            membrane=membrane,
            current=current,
            adaptation=adaptation,
            age=age.astype(np.int64),
            ptr=ptr,
            address=address,
            plastic=learn and network.plastic,
            homeostatic=learn and network.config.learning.homeostasis.rate > 0.0,
        )

    @property
    def ticks(self) -> int:
        """How many."""
        return int(self.ptr.size - 1)

    @property
    def stdp(self) -> tuple[float, float]:
        """Potentiation and depression of a pair at no delay."""
        rule = Stdp.of(self.network.config, self.network.w_max)
        return float(rule.potentiation[0]), float(rule.depression[0])

    @property
    def other_rule(self) -> bool:
        """Whether it is to learn by a rule that is not STDP."""
        return self.plastic and not isinstance(self.network.rule, Stdp)

    @property
    def learning(self) -> Bool[np.ndarray, "i k"]:
        """The places of the synapses that learn."""
        return (self.network.excitatory > 0)[:, None] & (self.network.synapses > 0)

    @property
    def when(self) -> Int64[np.ndarray, " s"]:
        """The tick of each input spike."""
        return np.repeat(np.arange(self.ticks), np.diff(self.ptr))

    def pending(self) -> Float[np.ndarray, "d i"]:
        """What the spikes that are under way at the beginning bring in each of the next ``delay`` ticks."""
        network, lag = self.network, self.network.lif.delay
        brought = np.zeros((lag, network.n_neurons))
        for tick in range(lag):
            due = np.flatnonzero(self.age == lag - 1 - tick)
            np.add.at(brought[tick], network.targets[due].astype(np.int64), self.weights[due])
            brought[tick] -= network.lateral * due.size
        return brought

    def finish(
        self, state: Arrays, row: int, spikes: tuple[Array, Array], after: tuple[Array, Array, Array | None]
    ) -> Raster:
        """Leave membrane, current and adaptation (None: there is none) as they are ``after`` the run, and count."""
        order = np.lexsort((spikes[1], spikes[0]))
        tick, neuron = spikes[0][order].astype(np.int32), spikes[1][order].astype(np.int32)
        membrane, current, adaptation = after
        state["membrane"][row], state["current"][row] = membrane, current
        if adaptation is not None:
            state["adaptation"][row] = adaptation
        self._follow(state, row, tick, neuron)
        last = -1 - self.age
        last[neuron] = tick  # in order, so the last one stays
        state["age"][row] = np.minimum(self.ticks - 1 - last, NEVER)
        return Raster(tick, neuron, self._synaptic_events(tick))

    def _follow(self, state: Arrays, row: int, tick: Int32[np.ndarray, " s"], neuron: Int32[np.ndarray, " s"]) -> None:
        """Traces rise by one at a spike, and then decay until the end of the run."""
        for q, tau in enumerate(self.network.rule.traces):
            trace = state["traces"][row, q] * np.exp(-self.ticks / tau)
            np.add.at(trace, neuron, np.exp(-(self.ticks - tick) / tau))
            state["traces"][row, q] = trace

    def _synaptic_events(self, tick: Int32[np.ndarray, " s"]) -> int:
        """Spikes that reach their targets within the run, times their targets."""
        lag, network = self.network.lif.delay, self.network
        arrived = int((tick < self.ticks - lag).sum()) + int(
            ((self.age < lag) & (lag - 1 - self.age < self.ticks)).sum()
        )
        return int(arrived * network.targets.shape[1] + self.address.size * network.input_targets.shape[1])
