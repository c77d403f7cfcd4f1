"""A network as a NIR graph.

With ``input_synapse: exponential``::

    input -> input_weights -> [input_gain] -> neurons (CubaLIF) -> output
    neurons -> recurrent_weights -> recurrent_delay -> neurons
    neurons -> inhibition_pool -> inhibition_delay -> inhibition_spread -> neurons

With ``delta`` an input spike reaches the membrane at once, which CubaLIF cannot say, so that the neurons are LIF behind
currents (LI) of their own: ``recurrent_synapses``, and one ``inhibition_synapse`` for the current that all share.
Every loop comes back to ``neurons`` alone, so that a reader that breaks loops there has no delay but the written one.
Lateral inhibition is two thin matrices: its pool sums all spikes, its spread gives the sum to all.
"""

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Integer

from snnlab.errors import EngineMissing
from snnlab.reservoirs.exchange.constants import Constants, Integration, constants
from snnlab.reservoirs.exchange.losses import losses
from snnlab.reservoirs.network import Network
from snnlab.types import Array, Arrays, Json

if TYPE_CHECKING:
    import nir

__all__ = ["FORMAT", "OWN", "nodes_of", "require_nir", "to_nir"]

FORMAT = 1
OWN = "snnlab"
"""The key of the metadata that only snnlab reads."""


def require_nir() -> Any:  # noqa: ANN401 - a module
    """The nir package. Raises EngineMissing where it is not installed."""
    try:
        import nir
    except ImportError as missing:
        raise EngineMissing(f"NIR needs the package nir ({missing}); pip install 'snnlab[research]'") from missing
    return nir


def to_nir(network: Network, learned: Arrays | None = None, integration: Integration = "euler") -> "nir.NIRGraph":
    """The graph of a network with what a shard has learnt; the weights in it are the network's to the last bit.

    ``integration`` is how the reader will step it: see :mod:`.constants`. Raises EngineMissing without nir.

    >>> from snnlab.config import NeuromorphicConfig
    >>> graph = to_nir(Network.build(NeuromorphicConfig().replace({"reservoir.neurons": 64}), 10))
    >>> graph.nodes["recurrent_weights"].weight.shape, graph.nodes["recurrent_delay"].delay[0].item()
    ((64, 64), 0.001)
    """
    nir = require_nir()
    own = network.fresh_learned() if learned is None else learned
    weights = own["weights"] if network.plastic else network.weights
    nodes, edges = nodes_of(network, own, integration)
    n, inputs = network.n_neurons, network.n_inputs
    nodes |= {
        "input": nir.Input(input_type={"input": np.array([inputs])}),
        "input_weights": nir.Linear(weight=_dense(network.input_targets, network.input_weights, n)),
        "recurrent_weights": nir.Linear(weight=_dense(network.targets, weights, n)),
        "output": nir.Output(output_type={"output": np.array([n])}),
    }
    metadata = {OWN: _metadata(network, own, integration)}
    return nir.NIRGraph(nodes=nodes, edges=edges, metadata=metadata)


def nodes_of(
    network: Network, learned: Arrays, integration: Integration
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Every node but the two of synapses by pair and the two ends, and all edges."""
    values = constants(network.lif, integration)
    delta = network.config.reservoir.input_synapse == "delta"
    gain = float(learned["homeostat"][0]) * (values.jump if delta else 1.0)
    nodes, loops = _loops(network, values, delta=delta)
    path = ["input", "input_weights", *(["input_gain"] if gain != 1.0 else []), "neurons", "output"]
    if gain != 1.0:
        nodes["input_gain"] = require_nir().Scale(scale=np.full(network.n_neurons, gain))
    nodes["neurons"] = _neurons(network, learned, values, delta=delta)
    edges = [edge for chain in (path, *loops) for edge in pairwise(chain)]
    return nodes, edges


def _neurons(network: Network, learned: Arrays, values: Constants, *, delta: bool) -> Any:  # noqa: ANN401 - a node
    nir = require_nir()
    n = network.n_neurons
    common = {
        "v_leak": network.bias.astype(float),
        "v_threshold": network.lif.v_threshold + learned["threshold"].astype(float),
        "v_reset": np.full(n, network.lif.v_reset),
    }
    if delta:
        return nir.LIF(tau=np.full(n, values.tau_mem), r=np.ones(n), **common)
    w_in, r = np.full(n, values.w_in), np.full(n, values.r)
    tau_mem, tau_syn = np.full(n, values.tau_mem), np.full(n, values.tau_syn)
    return nir.CubaLIF(tau_mem=tau_mem, tau_syn=tau_syn, r=r, w_in=w_in, **common)


def _loops(network: Network, values: Constants, *, delta: bool) -> tuple[dict[str, Any], list[list[str]]]:
    """Nodes and chains of the recurrent loop and of lateral inhibition; ``delta`` gives them currents of their own."""
    nir = require_nir()
    n, delay = network.n_neurons, network.config.reservoir.delay * 1e-3
    nodes: dict[str, Any] = {"recurrent_delay": nir.Delay(delay=np.full(n, delay))}
    loop, pool = ["neurons", "recurrent_weights", "recurrent_delay"], ["neurons", "inhibition_pool", "inhibition_delay"]
    if delta:
        nodes["recurrent_synapses"] = _current(n, values)
        loop.append("recurrent_synapses")
    loop.append("neurons")
    if not network.lateral:
        return nodes, [loop]
    nodes["inhibition_pool"] = nir.Linear(weight=np.full((1, n), -network.lateral, network.real))
    nodes["inhibition_delay"] = nir.Delay(delay=np.full(1, delay))
    if delta:
        nodes["inhibition_synapse"] = _current(1, values)
        pool.append("inhibition_synapse")
    nodes["inhibition_spread"] = nir.Linear(weight=np.ones((n, 1), network.real))
    return nodes, [loop, [*pool, "inhibition_spread", "neurons"]]


def _current(n: int, values: Constants) -> Any:  # noqa: ANN401 - a node
    """A synaptic current of which a spike of weight w brings w, worth what the membrane makes of it."""
    tau, r = np.full(n, values.tau_syn), np.full(n, values.w_in * values.r)
    return require_nir().LI(tau=tau, r=r, v_leak=np.zeros(n))


def _dense(targets: Integer[np.ndarray, "s k"], weights: Float[np.ndarray, "s k"], n: int) -> Float[np.ndarray, "i s"]:
    """Row j of NIR's matrix is what neuron j receives."""
    dense = np.zeros((n, len(targets)), weights.dtype)
    sources = np.arange(len(targets))
    for k in range(targets.shape[1]):
        dense[targets[:, k], sources] = weights[:, k]
    return dense


def _metadata(network: Network, learned: Arrays, integration: Integration) -> Json:
    kept: dict[str, Array] = {"targets": network.targets, "input_targets": network.input_targets}
    if network.plastic:
        kept["initial"] = network.synapses
    own = {name: array for name, array in learned.items() if not (network.plastic and name == "weights")}
    lost = json.dumps([[loss.name, loss.value] for loss in losses(network)])
    config = network.config.model_dump_json()
    about: Json = {"format": FORMAT, "config": config, "integration": integration, "lost": lost, "scale": network.scale}
    return {**about, **kept, "learned": own}
