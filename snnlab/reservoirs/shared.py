"""Networks that are drawn once for all who want the same: nothing changes a network, so that who runs it may share it.

A service holds a detector for each shard of a stream, a hundred megabytes and seconds of drawing each where the network
has ten million synapses. What a shard learns is its own; who reaches whom is not.
"""

from weakref import WeakValueDictionary

from snnlab.config import NeuromorphicConfig
from snnlab.reservoirs.network import Network

__all__ = ["shared_network"]

_drawn: WeakValueDictionary[tuple[str, int], Network] = WeakValueDictionary()


def shared_network(config: NeuromorphicConfig, n_inputs: int) -> Network:
    """The network that ``Network.build`` draws, the same one as long as anybody has it. Raises ConfigError.

    >>> config = NeuromorphicConfig().replace({"reservoir.neurons": 64})
    >>> network = shared_network(config, 10)
    >>> shared_network(config, 10) is network, shared_network(config.replace({"seed": 1}), 10) is network
    (True, False)
    """
    key = config.model_dump_json(), n_inputs
    network = _drawn.get(key)
    if network is None:  # two that ask at once may draw it twice, and share it all the same
        network = _drawn.setdefault(key, Network.build(config, n_inputs))
    return network
