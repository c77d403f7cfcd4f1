"""The network: topology, constants and initial weights, as plain arrays that nothing changes."""

from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from typing import cast

import numpy as np
from jaxtyping import Float, Float64, Int8, Integer, Real, UInt8

from snnlab.config import NeuromorphicConfig
from snnlab.errors import ConfigError, ModelFormatError
from snnlab.reservoirs import topology
from snnlab.reservoirs.neurons import Lif, charge, psp_peak
from snnlab.reservoirs.plasticity import RewardStdp, Strategy, strategy
from snnlab.types import Arrays

__all__ = ["NEVER", "Incoming", "Network"]

_LEVELS = 127
NEVER = 65535
"""The age, in ticks, of a spike that is long gone or never was."""


@dataclass(frozen=True, eq=False)
class Incoming:
    """The plastic synapses by target: of neuron j, those at ``ptr[j]:ptr[j+1]``, by rising source.

    ``source`` is the presynaptic neuron and ``slot`` the place in its row: four bytes a synapse where 16 bits reach.
    """

    ptr: Integer[np.ndarray, " i+1"]
    source: Integer[np.ndarray, " s"]
    slot: Integer[np.ndarray, " s"]


@dataclass(frozen=True, eq=False)
class Network:
    """A recurrent spiking network of ``i`` neurons and ``a`` input neurons.

    What learning changes lives in :meth:`fresh_learned`, one for each shard; what an entity's history changes lives in
    :meth:`fresh_state`, one row for each entity.

    >>> network = Network.build(NeuromorphicConfig().replace({"reservoir.neurons": 64}), n_inputs=10)
    >>> network.targets.shape, network.weights.dtype.name, sorted(network.fresh_learned())
    ((64, 6), 'float32', ['homeostat', 'threshold', 'weights'])
    >>> {name: array.shape for name, array in network.fresh_state(3).items()}
    {'membrane': (3, 64), 'current': (3, 64), 'adaptation': (3, 64), 'age': (3, 64)}
    """

    config: NeuromorphicConfig
    targets: Integer[np.ndarray, "i k"]
    """Sorted; uint16 where that reaches every neuron."""
    held: Real[np.ndarray, "i k"] | topology.Drawn
    """Initial recurrent weights: real, or int8 levels of ``scale``, or what draws them anew."""
    input_targets: Integer[np.ndarray, "a k_in"]
    input_weights: Float[np.ndarray, "a k_in"]
    bias: Float[np.ndarray, " i"]
    """Constant current."""
    scale: float = 1.0
    """The weight of one level."""
    lif: Lif = field(init=False)

    def __post_init__(self) -> None:
        """Check that the arrays fit each other and hold numbers. Raises ConfigError."""
        n = self.targets.shape[0]
        synapses = (n, self.held.degree) if isinstance(self.held, topology.Drawn) else self.held.shape
        if synapses != self.targets.shape or self.bias.shape != (n,):
            raise ConfigError(f"weights {synapses} and bias {self.bias.shape} do not fit {self.targets.shape}")
        if self.input_weights.shape != self.input_targets.shape:
            raise ConfigError(f"input weights {self.input_weights.shape} do not fit {self.input_targets.shape}")
        for name, rows in (("targets", self.targets), ("input_targets", self.input_targets)):
            if rows.size and not 0 <= int(rows.min()) <= int(rows.max()) < n:
                raise ConfigError(
                    f"{name} reach from {rows.min()} to {rows.max()}, and neurons are 0 to {n - 1}: number each target "
                    "by the row of its neuron"
                )
        for name, array in (("synapses", self.held), ("input_weights", self.input_weights), ("bias", self.bias)):
            if isinstance(array, np.ndarray):
                _check_finite(name, array)
        if self.config.performance.spike_precision == "int8" and self.plastic:
            raise ConfigError(
                f"spike_precision int8 holds weights in 255 levels, too coarse for {self.config.learning.algorithm} to "
                "learn in: set learning.algorithm to none, or performance.spike_precision to float32"
            )
        object.__setattr__(self, "lif", Lif.of(self.config))

    @classmethod
    def build(cls, config: NeuromorphicConfig, n_inputs: int | None = None, seed: int | None = None) -> "Network":
        """The random network that a configuration describes; the same seed gives the same network.

        ``n_inputs`` and ``seed`` are the configuration's own unless given. Raises ConfigError.
        """
        _notice_acceleration(wanted=config.performance.gpu_acceleration)
        layer, rng = config.reservoir, np.random.default_rng(config.seed if seed is None else seed)
        n, inputs = layer.neurons, n_inputs or config.input.neurons
        degree = layer.fan_in or max(1, round(layer.connectivity * (n - 1)))
        targets = topology.draw_rows(rng, n, n, degree, recurrent=True)
        sign = topology.signs(rng, n, layer.excitatory)
        drawn = topology.recurrent_weights(rng, targets, sign, layer.spectral_radius, charge(config))
        input_targets = topology.draw_rows(rng, inputs, n, layer.input_degree, recurrent=False)
        peak = (
            psp_peak(config.neuron.tau_membrane, config.neuron.tau_synapse) if layer.input_synapse != "delta" else 1.0
        )
        mean = layer.input_strength * config.neuron.v_threshold / peak
        input_weights = rng.uniform(0.5, 1.5, input_targets.shape) * mean
        real = _real(config)
        held, scale = (drawn, 1.0) if config.learning.algorithm != "none" else _held(drawn.array(), config)
        return cls(config, targets, held, input_targets, input_weights.astype(real), np.zeros(n, real), scale)

    @classmethod
    def from_matrix(
        cls,
        config: NeuromorphicConfig,
        matrix: Float64[np.ndarray, "i i"],
        *,
        inputs: Float64[np.ndarray, "a i"] | None = None,
        bias: Float64[np.ndarray, " i"] | None = None,
    ) -> "Network":
        """A network given synapse by synapse: ``matrix[j, k]`` from neuron j to neuron k, zero for none."""
        n = matrix.shape[0]
        real = _real(config)
        targets, weights = _rows(matrix)
        input_targets, input_weights = _rows(np.zeros((1, n)) if inputs is None else inputs)
        sized = config.replace({"reservoir.neurons": n, "input.neurons": input_targets.shape[0]})
        synapses, scale = _held(weights, config)
        own_bias = np.zeros(n, real) if bias is None else bias.astype(real)
        return cls(sized, targets, synapses, input_targets, input_weights.astype(real), own_bias, scale)

    def __repr__(self) -> str:
        """Its size, for a reader."""
        precision = self.config.performance.spike_precision
        size = f"{self.n_inputs} inputs, {self.n_neurons} neurons, {self.targets.size} synapses"
        return f"Network({size}, {precision})"

    @property
    def n_neurons(self) -> int:
        """Neurons."""
        return int(self.targets.shape[0])

    @property
    def n_inputs(self) -> int:
        """Input neurons."""
        return int(self.input_targets.shape[0])

    @property
    def real(self) -> np.dtype[np.floating]:
        """Type of membranes, and of weights that are not int8: ``performance.spike_precision``."""
        return cast("np.dtype[np.floating]", self.input_weights.dtype)

    @property
    def quantised(self) -> bool:
        """Whether its recurrent weights are int8 levels."""
        return not isinstance(self.held, topology.Drawn) and self.held.dtype == np.int8

    @property
    def synapses(self) -> Real[np.ndarray, "i k"]:
        """Initial recurrent weights, or int8 levels of them. Those of a network that learns are drawn anew."""
        return self.held.array().astype(self.real) if isinstance(self.held, topology.Drawn) else self.held

    @property
    def weights(self) -> Float[np.ndarray, "i k"]:
        """Initial recurrent weights; what a spike adds to its target's current. Made anew where they are not held."""
        return self.synapses if not self.quantised else self.synapses * self.real.type(self.scale)

    @property
    def plastic(self) -> bool:
        """Whether its synapses learn."""
        return self.config.learning.algorithm != "none"

    @cached_property
    def excitatory(self) -> Int8[np.ndarray, " i"]:
        """1 for the neurons whose synapses learn: those without a negative weight."""
        if isinstance(self.held, topology.Drawn):
            return (self.held.sign > 0).astype(np.int8) if self.held.factor > 0 else np.ones(self.n_neurons, np.int8)
        return np.asarray((self.held >= 0).all(axis=1), np.int8)

    @cached_property
    def w_max(self) -> float:
        """Hard bound of a plastic weight."""
        weights = self.weights
        positive = weights[weights > 0]
        return self.config.learning.w_max * float(positive.mean(dtype=np.float64)) if positive.size else 0.0

    @cached_property
    def lateral(self) -> float:
        """What one spike takes from every neuron's current: uniform inhibition that makes neurons compete.

        ``i_j(t) <- i_j(t) - lateral * spikes(t - delay)``, ``lateral = inhibition / (i charge)``: it lowers the
        eigenvalue of the uniform mode by ``inhibition`` and leaves the other modes of the effective linear matrix
        as they are (global feedback inhibition: Amari 1977; for learning spikes, Diehl & Cook 2015).
        """
        return self.config.reservoir.inhibition / (self.n_neurons * charge(self.config))

    @cached_property
    def incoming(self) -> Incoming:
        """The plastic synapses by target."""
        return Incoming(*topology.by_target(self.targets, (self.synapses > 0) & (self.excitatory > 0)[:, None]))

    @cached_property
    def fillers(self) -> UInt8[np.ndarray, " s"]:
        """1 for each place, rows flattened, that only fills an excitatory row; empty where there is none."""
        if isinstance(self.held, topology.Drawn) or not self.plastic:
            return np.zeros(0, np.uint8)
        fills: UInt8[np.ndarray, " s"] = ((self.held == 0) & (self.excitatory > 0)[:, None]).ravel().view(np.uint8)
        return fills if fills.any() else fills[:0]

    @cached_property
    def rule(self) -> Strategy:
        """What its synapses learn by."""
        return strategy(self.config, self.w_max)

    def fresh_learned(self) -> Arrays:
        """What a shard has learnt before its first event."""
        learned: Arrays = {"threshold": np.zeros(self.n_neurons, self.real)}
        target = self.config.learning.homeostasis.target_rate
        learned["homeostat"] = np.array([1.0, target])
        if not self.plastic:
            return learned
        return (
            learned
            | {"weights": self.synapses if isinstance(self.held, topology.Drawn) else self.held.copy()}
            | self.rule.fresh(self.n_neurons, self.targets.shape[1], self.real)
        )

    @property
    def rewarded(self) -> bool:
        """Whether it learns from rewards."""
        return isinstance(self.rule, RewardStdp)

    def reward(self, learned: Arrays, amount: float) -> None:
        """Learn, in place, from a late reward: good above zero, bad below. Raises ConfigError unless by R-STDP."""
        if not isinstance(self.rule, RewardStdp):
            raise ConfigError(
                f"learning.algorithm {self.config.learning.algorithm} learns from no reward: set it to R-STDP"
            )
        self.rule.reward(learned, amount, self.excitatory)

    def fresh_state(self, capacity: int) -> Arrays:
        """The state of ``capacity`` entities before their first event: at rest, one row each."""
        shape = (capacity, self.n_neurons)
        state: Arrays = {name: np.zeros(shape, self.real) for name in ("membrane", "current", "adaptation")}
        if self.rule.traces:
            state["traces"] = np.zeros((capacity, len(self.rule.traces), self.n_neurons), self.real)
        return state | {"age": np.full(shape, NEVER, np.uint16)}

    def reset(self, state: Arrays, rows: Integer[np.ndarray, " n"]) -> None:
        """Put rows back to rest, in place."""
        for name, array in state.items():
            array[rows] = NEVER if name == "age" else 0

    def cores(self) -> list[range]:
        """The neurons of each core or chip, even and at most ``max_neurons_per_core``. A tick is never split.

        >>> network = Network.build(NeuromorphicConfig().replace({"performance.max_neurons_per_core": 100}), 10)
        >>> [len(core) for core in network.cores()]
        [86, 85, 85]
        """
        count = -(-self.n_neurons // self.config.performance.max_neurons_per_core)
        edges = [-(-self.n_neurons * core // count) for core in range(count + 1)]
        return [range(first, last) for first, last in pairwise(edges)]

    def to_arrays(self) -> Arrays:
        """Everything it is, as named arrays; :meth:`from_arrays` reads them back."""
        config = np.frombuffer(self.config.model_dump_json().encode(), np.uint8)
        arrays: Arrays = {name: getattr(self, name) for name in _ARRAYS}
        return {"config": config, **arrays, "scale": np.array(self.scale)}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> "Network":
        """The network of :meth:`to_arrays`. Raises ModelFormatError where one is missing or does not fit."""
        try:
            config = NeuromorphicConfig.from_json(bytes(arrays["config"].astype(np.uint8)))
            targets, *others = (np.require(arrays[name], requirements=["C", "W"]) for name in _ARRAYS)
            held, input_targets, input_weights, bias = others
            return cls(config, targets, held, input_targets, input_weights, bias, float(arrays["scale"]))
        except (KeyError, ConfigError) as error:
            raise ModelFormatError(f"not a network: {error}; save it again with Network.to_arrays") from error


_ARRAYS = ("targets", "synapses", "input_targets", "input_weights", "bias")


def _rows(matrix: Float64[np.ndarray, "s i"]) -> tuple[np.ndarray, Float64[np.ndarray, "s k"]]:
    """Rows of one length; a short row is filled with synapses of no weight, which never learn."""
    degree = max(1, int((matrix != 0).sum(axis=1).max()))
    order = np.sort(np.argsort(matrix == 0, axis=1, kind="stable")[:, :degree], axis=1)
    return order.astype(topology.address_type(matrix.shape[1])), np.take_along_axis(matrix, order, axis=1)


def _real(config: NeuromorphicConfig) -> np.dtype[np.floating]:
    return np.dtype(np.float64 if config.performance.spike_precision == "float64" else np.float32)


def _held(weights: Float64[np.ndarray, "i k"], config: NeuromorphicConfig) -> tuple[np.ndarray, float]:
    """Weights as the network's precision holds them, and the weight of a level."""
    if config.performance.spike_precision != "int8":
        return weights.astype(_real(config)), 1.0
    _check_finite("weights", weights)
    scale = float(np.abs(weights).max(initial=0.0)) / _LEVELS or 1.0
    return np.rint(weights / scale).astype(np.int8), scale


def _check_finite(name: str, array: np.ndarray) -> None:
    if array.dtype.kind == "f" and not np.isfinite(array.sum(dtype=np.float64)):
        bad = np.argwhere(~np.isfinite(array))[:1].tolist()
        if bad:
            raise ConfigError(f"{name} hold {array[tuple(bad[0])]} at {bad[0]}; every one must be a finite number")


def _notice_acceleration(*, wanted: bool) -> None:
    if wanted:
        _notice_once(present=Path("/proc/driver/nvidia").exists())


@cache
def _notice_once(*, present: bool) -> None:
    import structlog

    found = "replays and sweeps use the one found" if present else "none was found"
    structlog.get_logger("snnlab").info(
        f"performance.gpu_acceleration means 'if present': {found}; events one by one run on the processor"
    )
