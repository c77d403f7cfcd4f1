"""A NIR graph as a network: to the last bit where snnlab wrote it, and what can be held of another's."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from snnlab.config import NeuromorphicConfig
from snnlab.errors import ConfigError, ModelFormatError, ModelVersionError
from snnlab.reservoirs.exchange.constants import Integration
from snnlab.reservoirs.exchange.foreign import foreign
from snnlab.reservoirs.exchange.writing import FORMAT, OWN, nodes_of
from snnlab.reservoirs.network import Network
from snnlab.types import Array, Arrays, Json

if TYPE_CHECKING:
    import nir

__all__ = ["Imported", "from_nir"]


@dataclass(frozen=True, eq=False)
class Imported:
    """A network, what a shard of it has learnt, and in what it is not the graph that was read."""

    network: Network
    learned: Arrays
    notes: tuple[str, ...] = ()


def from_nir(graph: "nir.NIRGraph", tick: float = 1.0) -> Imported:
    """The network of a graph.

    One that :func:`.writing.to_nir` made gives the same network and the same learned arrays, bit for bit, its weights
    taken from the graph itself. Of another's, one population of CubaLIF neurons is read, in ticks of ``tick`` ms.

    Raises:
        ModelFormatError: the metadata are damaged, or are not those of the nodes beside them.
        ModelVersionError: a newer snnlab wrote the graph.
        ConfigError: another's graph holds what a network cannot; the message names it.

    >>> from snnlab.reservoirs.exchange import to_nir
    >>> network = Network.build(NeuromorphicConfig().replace({"reservoir.neurons": 64}), 10)
    >>> bool((from_nir(to_nir(network)).learned["weights"] == network.weights).all())
    True
    """
    if OWN not in graph.metadata:
        return Imported(*foreign(graph, tick))
    about = graph.metadata[OWN]
    if int(about.get("format", 0)) > FORMAT:
        raise ModelVersionError(f"the graph has format {about['format']}, this snnlab reads {FORMAT}; install a newer")
    try:
        network, learned = _own(graph, about)
    except (KeyError, IndexError, ValueError, TypeError, AttributeError) as wrong:
        raise ModelFormatError(f"the graph's metadata are not whole ({wrong}); export the network again") from wrong
    _check(graph, network, learned, about["integration"])
    return Imported(network, learned)


def _own(graph: "nir.NIRGraph", about: Json) -> tuple[Network, Arrays]:
    config = NeuromorphicConfig.from_json(_text(about["config"]))
    targets, input_targets = _whole(about["targets"]), _whole(about["input_targets"])
    weights = _sparse(graph.nodes["recurrent_weights"].weight, targets)
    input_weights = _sparse(graph.nodes["input_weights"].weight, input_targets)
    scale = float(about["scale"])
    bias = graph.nodes["neurons"].v_leak.astype(input_weights.dtype)
    learned: Arrays = {str(name): _whole(array) for name, array in about["learned"].items()}
    plastic = config.learning.algorithm != "none"
    held = _whole(about["initial"]) if plastic else weights
    if config.performance.spike_precision == "int8":
        held = np.rint(weights / scale).astype(np.int8)
    network = Network(config, targets, held, input_targets, input_weights, bias, scale)
    return network, learned | ({"weights": weights} if plastic else {})


def _check(graph: "nir.NIRGraph", network: Network, learned: Arrays, integration: str) -> None:
    """Refuse a graph whose nodes were changed after snnlab wrote it: two sources, and no way to know which is meant."""
    if integration not in get_args(Integration):
        raise ModelFormatError(f"the graph says integration {integration!r}; export the network again")
    nodes, edges = nodes_of(network, learned, integration)  # type: ignore[arg-type]  # checked above
    for name, node in nodes.items():
        found = graph.nodes.get(name)
        if type(found) is not type(node) or not _same(found, node):
            raise ModelFormatError(
                f"node {name!r} is not what the graph's metadata say; export the network again, or delete the "
                f"metadata {OWN!r} to have the graph read as another's"
            )
    if sorted(map(tuple, graph.edges)) != sorted(edges):
        raise ModelFormatError("the graph's edges are not what its metadata say; export the network again")


def _same(found: Any, node: Any) -> bool:  # noqa: ANN401 - nodes of any kind
    arrays = {name: value for name, value in vars(node).items() if isinstance(value, np.ndarray)}
    return all(np.array_equal(value, getattr(found, name)) for name, value in arrays.items())


def _sparse(dense: Array, targets: Array) -> Array:
    if dense.shape[1] != len(targets):
        raise ConfigError(f"a matrix {dense.shape} for {len(targets)} rows of targets")
    return np.ascontiguousarray(dense[targets, np.arange(len(targets))[:, None]])


def _whole(array: Any) -> Array:  # noqa: ANN401 - what HDF5 gives
    return np.require(np.asarray(array), requirements=["C", "W"])


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
