"""The same network in plain NumPy: a dense matrix of weights, one array expression a step.

The equations are those of :mod:`snnlab.reservoirs.neurons` and :mod:`snnlab.reservoirs.plasticity`, so that it fires as
the engine does up to rounding.
"""

import numpy as np
from jaxtyping import Float, Int32, Int64

from snnlab.reservoirs import Network
from snnlab.reservoirs.network import NEVER
from snnlab.reservoirs.plasticity import Stdp

__all__ = ["NAME", "DenseNetwork"]

NAME = "numpy dense"


class DenseNetwork:
    """Runs a network of delay 1 tick by tick; learns by STDP where ``learn`` says so."""

    def __init__(self, network: Network, *, learn: bool = False) -> None:
        n, real = network.n_neurons, network.real
        self.lif, self.real, self.lateral = network.lif, real, real.type(network.lateral)
        rows = np.repeat(np.arange(n), network.targets.shape[1])
        self.weights = np.zeros((n, n), real)
        self.weights[rows, network.targets.ravel()] = network.weights.ravel()
        self.inputs = np.zeros((network.n_inputs, n), real)
        at = np.repeat(np.arange(network.n_inputs), network.input_targets.shape[1])
        np.add.at(self.inputs, (at, network.input_targets.ravel()), network.input_weights.ravel())
        self.v, self.i, self.a, self.arriving = (np.zeros(n, real) for _ in range(4))
        self.age = np.full(n, NEVER)
        self.fired: Int64[np.ndarray, " s"] = np.zeros(0, np.int64)
        self.learn, self.bias = learn, network.bias * real.type(network.lif.propagators.bias)
        self.delta = real.type(network.config.reservoir.input_synapse == "delta")
        if learn:
            self.plastic = (self.weights > 0) & (network.excitatory[:, None] > 0)
            self.excitatory, self.w_max = network.excitatory > 0, network.w_max
            rule = Stdp.of(network.config, network.w_max)
            self.ltp, self.ltd = rule.potentiation.astype(real), rule.depression.astype(real)

    def step(self, address: Int32[np.ndarray, " m"]) -> Int64[np.ndarray, " s"]:
        """One tick with spikes of the input neurons at ``address``; the neurons that fire."""
        step, lif, real = self.lif.propagators, self.lif, self.real.type
        arriving = self.weights[self.fired].sum(axis=0) - self.lateral * real(self.fired.size)
        brought = self.inputs[address].sum(axis=0)
        self.age = np.minimum(self.age + 1, NEVER)
        active = self.age > lif.refractory
        current = self.i + (real(1) - self.delta) * brought
        potential = real(step.membrane) * (self.v + self.delta * brought) + real(step.current_to_membrane) * current
        potential += self.bias
        potential = np.where(active, potential, self.v)
        held = real(np.exp(-lif.tick / lif.tau_adaptation)) * self.a
        spike = active & (potential >= real(lif.v_threshold) + held)
        self.i = real(step.current) * current + arriving
        self.v = np.where(spike, real(lif.v_reset), potential)
        self.a = held + np.where(spike, real(lif.adaptation), real(0))
        self.fired = np.flatnonzero(spike)
        if self.learn and self.fired.size:
            self._pair(self.fired)
        self.age[self.fired] = 0
        return self.fired

    def run(self, ptr: Int64[np.ndarray, " t+1"], address: Int32[np.ndarray, " s"]) -> int:
        """All ticks of an input raster; the number of spikes."""
        return sum(self.step(address[ptr[t] : ptr[t + 1]]).size for t in range(len(ptr) - 1))

    def _pair(self, fired: Int64[np.ndarray, " s"]) -> None:
        before: Float[np.ndarray, " i"] = self.ltp[np.minimum(self.age, self.ltp.size - 1)]
        columns = self.weights[:, fired]
        grown = np.minimum(columns + before[:, None], self.real.type(self.w_max))
        self.weights[:, fired] = np.where(self.plastic[:, fired], grown, columns)
        own = fired[self.excitatory[fired]]
        after = self.ltd[np.minimum(self.age, self.ltd.size - 1)]
        rows = self.weights[own]
        self.weights[own] = np.where(self.plastic[own], np.maximum(rows - after, self.real.type(0)), rows)
