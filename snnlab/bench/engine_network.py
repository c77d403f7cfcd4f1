"""The network whose ticks are timed, its input, and the state that every simulator begins from."""

from dataclasses import replace

import numpy as np
from jaxtyping import Int32, Int64

from snnlab.config import NeuromorphicConfig
from snnlab.reservoirs import Network
from snnlab.types import Arrays

__all__ = ["Given", "begun", "network_of", "raster"]

_INPUTS = 1000

Given = tuple[Int64[np.ndarray, " t+1"], Int32[np.ndarray, " s"]]


def network_of(neurons: int, kind: str, precision: str | None = None) -> Network:
    """The network that is measured: ``static``, held as int8 levels unless told otherwise, or ``stdp``."""
    learns = kind == "stdp"
    config = NeuromorphicConfig().replace(
        {
            "reservoir.neurons": neurons,
            "reservoir.inhibition": 0.0,
            "reservoir.input_synapse": "exponential",
            "reservoir.input_strength": 0.005,
            "reservoir.spectral_radius": 0.1,
            "neuron.adaptation": 0.0,
            "learning.algorithm": "STDP" if learns else "none",
            "learning.homeostasis.rate": 0.0,
            "performance.spike_precision": precision or ("float32" if learns else "int8"),
        }
    )
    network = Network.build(config, n_inputs=_INPUTS)
    bias = np.random.default_rng(1).uniform(1.015, 1.105, neurons).astype(network.real)
    return replace(network, bias=bias)


def raster(network: Network, ticks: int, seed: int = 0) -> Given:
    """Input of ``ticks`` ticks: each has spikes of random input neurons, a hundredth as many as there are neurons."""
    per_tick = max(network.n_neurons // 100, 2)
    drawn = np.random.default_rng(seed).random((ticks, network.n_inputs)).argpartition(per_tick, axis=1)[:, :per_tick]
    return np.arange(ticks + 1) * per_tick, np.sort(drawn, axis=1).astype(np.int32).ravel()


def begun(network: Network) -> Arrays:
    """A state of one row whose membranes are spread out, so that neurons fire from the first tick on, evenly."""
    state = network.fresh_state(1)
    state["membrane"][0] = np.random.default_rng(2).random(network.n_neurons)
    return state
