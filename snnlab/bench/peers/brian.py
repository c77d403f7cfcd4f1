"""The same network in Brian 2, for those who have it: ``numpy`` or ``cython`` code generation, 1 ms steps."""

import logging
from importlib import import_module, util
from typing import Any, Literal

import numpy as np
from jaxtyping import Int32, Int64

from snnlab.reservoirs import Network

__all__ = ["TARGETS", "Brian", "installed"]

TARGETS: tuple[Literal["numpy", "cython"], ...] = ("numpy", "cython")

_NEURON = """
dv/dt = (g - v) / tau_m : 1 (unless refractory)
dg/dt = -g / tau_s : 1
da/dt = -a / tau_a : 1
"""
_PAIR = """
w : 1
dpre/dt = -pre / tau_pre : 1 (event-driven)
dpost/dt = -post / tau_post : 1 (event-driven)
"""


def installed() -> bool:
    """Whether Brian 2 can be imported."""
    return util.find_spec("brian2") is not None


class Brian:
    """A network in Brian 2 with the topology, weights and constants of ``network``, fed the same input raster.

    It is of the same size and work, not the same spikes: lateral inhibition is left out, and its STDP pairs all spikes.
    """

    def __init__(
        self,
        network: Network,
        ptr: Int64[np.ndarray, " t+1"],
        address: Int32[np.ndarray, " s"],
        *,
        target: Literal["numpy", "cython"],
        learn: bool = False,
    ) -> None:
        b: Any = import_module("brian2")  # not a dependency: the research extra brings it
        logging.getLogger("brian2").setLevel(logging.ERROR)
        b.defaultclock.dt = network.lif.tick * b.ms
        neuron, n, lif = network.config.neuron, network.n_neurons, network.lif
        space = {
            "tau_m": lif.tau_membrane * b.ms,
            "tau_s": lif.tau_synapse * b.ms,
            "tau_a": lif.tau_adaptation * b.ms,
            "theta": neuron.v_threshold,
            "rest": neuron.v_reset,
            "rise": neuron.adaptation,
            "tau_pre": network.config.learning.tau_pre * b.ms,
            "tau_post": network.config.learning.tau_post * b.ms,
            "top": network.w_max,
            "up": network.config.learning.learning_rate * network.w_max,
        }
        group = b.NeuronGroup(
            n, _NEURON, threshold="v >= theta + a", reset="v = rest; a += rise", method="exact",
            refractory=neuron.refractory * b.ms, namespace=space,
        )  # fmt: skip
        when = np.repeat(np.arange(len(ptr) - 1), np.diff(ptr)) * network.lif.tick
        source = b.SpikeGeneratorGroup(network.n_inputs, address, when * b.ms)
        bring = b.Synapses(source, group, "w : 1", on_pre="v_post += w")
        bring.connect(i=np.repeat(np.arange(network.n_inputs), network.input_targets.shape[1]),
                      j=network.input_targets.ravel().astype(int))  # fmt: skip
        bring.w = network.input_weights.ravel()
        rows = np.repeat(np.arange(n), network.targets.shape[1])
        to, weight = network.targets.ravel().astype(int), network.weights.ravel()
        parts = [group, source, bring]
        plastic = learn & (weight > 0)
        for chosen, rule in ((~plastic, False), (plastic, True)):
            if not chosen.any():
                continue
            if rule:
                synapses = b.Synapses(
                    group, group, _PAIR, namespace=space, delay=network.lif.tick * b.ms,
                    on_pre="g_post += w; pre += up; w = clip(w - post, 0, top)",
                    on_post="post += 1.05 * up; w = clip(w + pre, 0, top)",
                )  # fmt: skip
            else:
                synapses = b.Synapses(group, group, "w : 1", on_pre="g_post += w", delay=network.lif.tick * b.ms)
            synapses.connect(i=rows[chosen], j=to[chosen])
            synapses.w = weight[chosen]
            parts.append(synapses)
        self._b, self._net, self._ticks = b, b.Network(*parts), len(ptr) - 1
        self._tick, self._target = network.lif.tick, target

    def run(self, ticks: int) -> None:
        """Run that many ticks on; ``run`` of one tick first compiles."""
        self._b.prefs.codegen.target = self._target  # read anew each time a network begins to run
        self._net.run(ticks * self._tick * self._b.ms)
