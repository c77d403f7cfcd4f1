"""Another's NIR graph: one population of CubaLIF neurons, its input and, where there is one, its loop."""

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float64

from snnlab.config import NeuromorphicConfig
from snnlab.errors import ConfigError
from snnlab.reservoirs.network import Network
from snnlab.types import Array, Arrays

if TYPE_CHECKING:
    import nir

__all__ = ["foreign"]

_KNOWN = ("Input", "Output", "Linear", "Affine", "Delay", "CubaLIF")


def foreign(graph: "nir.NIRGraph", tick: float) -> tuple[Network, Arrays, tuple[str, ...]]:
    """Its network, what it has learnt (thresholds of its own), and notes on what is not as the graph has it.

    Time constants are those of the equations, and integrated exactly; a spike is a one in its tick, as readers have it.
    Raises ConfigError naming what a network cannot hold.
    """
    name, node = _population(graph)
    matrix, inputs = np.zeros((len(node.v_threshold),) * 2), None
    delays: list[float] = []
    for chain in _chains(graph, name):
        weight, delay = _weight(chain)
        if chain[0] == "Input":
            inputs = weight if inputs is None else inputs + weight
        else:
            matrix += weight
            delays.append(delay)
    if inputs is None:
        raise ConfigError(f"no Linear leads from the graph's input to {name!r}; a network needs one")
    return _built(node, matrix, inputs, _one("delay of the loops", np.array(delays or [0.0])), tick)


def _built(
    node: Any,  # noqa: ANN401 - a CubaLIF
    matrix: Float64[np.ndarray, "i i"],
    inputs: Float64[np.ndarray, "i a"],
    delay: float,
    tick: float,
) -> tuple[Network, Arrays, tuple[str, ...]]:
    step = tick * 1e-3
    worth = np.asarray(node.r * node.w_in * step / node.tau_syn, float)[:, None]
    lowest = float(node.v_threshold.min())
    changes = {
        "tick": tick,
        "neuron.tau_membrane": _one("tau_mem", node.tau_mem) * 1e3,
        "neuron.tau_synapse": _one("tau_syn", node.tau_syn) * 1e3,
        "neuron.v_threshold": lowest,
        "neuron.v_reset": _one("v_reset", node.v_reset),
        "neuron.refractory": 0.0,
        "neuron.adaptation": 0.0,
        "reservoir.input_synapse": "exponential",
        "reservoir.inhibition": 0.0,
        "reservoir.delay": max(round(delay * 1e3, 9), tick),
        "learning.algorithm": "none",
        "learning.homeostasis.rate": 0.0,
    }
    config = NeuromorphicConfig().replace(changes)
    bias = np.asarray(node.v_leak, float)
    network = Network.from_matrix(config, (worth * matrix).T, inputs=(worth * inputs).T, bias=bias)
    learned = network.fresh_learned()
    learned["threshold"] += (node.v_threshold - lowest).astype(network.real)
    late = matrix.any() and delay * 1e3 < tick
    return network, learned, (f"the loop has a delay of one tick, {tick:g} ms, not {delay * 1e3:g}",) if late else ()


def _population(graph: "nir.NIRGraph") -> tuple[str, Any]:
    kinds = {name: type(node).__name__ for name, node in graph.nodes.items()}
    strange = [f"{name!r} ({kind})" for name, kind in kinds.items() if kind not in _KNOWN]
    found = [name for name, kind in kinds.items() if kind == "CubaLIF"]
    if strange or len(found) != 1:
        raise ConfigError(
            f"a graph of {len(found)} CubaLIF populations{' and ' if strange else ''}{', '.join(strange)} is no "
            f"network of snnlab: it reads one population, and {', '.join(_KNOWN)}"
        )
    return found[0], graph.nodes[found[0]]


def _chains(graph: "nir.NIRGraph", name: str) -> list[list[Any]]:
    """What leads to the population: each from the input (led by the word Input) or from itself (Loop)."""
    sources: dict[str, list[str]] = {}
    for before, after in graph.edges:
        sources.setdefault(after, []).append(before)
    chains = []
    for last in sources.get(name, []):
        at = last
        nodes: list[Any] = []
        while at != name and type(graph.nodes[at]).__name__ != "Input":
            nodes.insert(0, graph.nodes[at])
            if len(sources.get(at, [])) != 1 or len(nodes) > len(graph.nodes):
                raise ConfigError(f"node {at!r} has {len(sources.get(at, []))} sources; a chain has one each")
            at = sources[at][0]
        chains.append(["Loop" if at == name else "Input", *nodes])
    return chains


def _weight(chain: list[Any]) -> tuple[Array, float]:
    """The one matrix of a chain and its delay in s."""
    weights = [np.asarray(node.weight, float) for node in chain[1:] if hasattr(node, "weight")]
    if len(weights) != 1 or any(np.any(node.bias) for node in chain[1:] if hasattr(node, "bias")):
        raise ConfigError(f"{len(weights)} matrices in a row, or one with a bias; a network reads one without")
    return weights[0], sum(_one("delay", node.delay) for node in chain[1:] if hasattr(node, "delay"))


def _one(name: str, values: Array) -> float:
    """The value that all have."""
    low, high = float(np.min(values)), float(np.max(values))
    if low != high:
        raise ConfigError(f"{name} is {low:g} to {high:g}; all neurons of a network have one: export each group alone")
    return low
