"""How large a network a request may ask for: what it takes is bounded before any of it is made."""

from collections import Counter

from snnlab.config import NeuromorphicConfig
from snnlab.detectors import Detector
from snnlab.errors import ConfigError

__all__ = ["MAX_NEURONS", "MAX_STATE", "MAX_SYNAPSES", "check_size", "check_state"]

MAX_NEURONS = 100_000
"""Largest reservoir that a request may ask for; one of a million neurons takes a gigabyte."""
MAX_SYNAPSES = 20_000_000
"""Most synapses of it, recurrent and from the input: 12 bytes each, where they learn."""
MAX_STATE = 2**28
"""Bytes that all a model learns and remembers may take before it has seen an entity."""
_MOST = {"input.neurons": 1_000_000, "readout.neurons": 100_000, "performance.batch_size": 10_000}


def check_size(config: NeuromorphicConfig) -> None:
    """Raises ConfigError for a network that is too large for a service, naming what is.

    >>> check_size(NeuromorphicConfig())
    >>> large = NeuromorphicConfig().replace({"reservoir.neurons": 100_000})
    >>> check_size(large)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    snnlab.errors.ConfigError: synapses of the reservoir = 1000400000; a model of the service has at most ...
    """
    layer, n = config.reservoir, config.reservoir.neurons
    fan_in = layer.fan_in or max(1, round(layer.connectivity * (n - 1)))
    synapses = n * min(fan_in, n) + config.input.neurons * layer.input_degree
    asked = {
        "reservoir.neurons": (n, MAX_NEURONS),
        "synapses of the reservoir": (synapses, MAX_SYNAPSES),
        "input.neurons": (config.input.neurons, _MOST["input.neurons"]),
        "readout.neurons": (config.readout.neurons, _MOST["readout.neurons"]),
        "performance.batch_size": (config.performance.batch_size, _MOST["performance.batch_size"]),
    }
    for name, (value, most) in asked.items():
        if value > most:
            raise ConfigError(
                f"{name} = {value}; a model of the service has at most {most}: ask for fewer neurons, for a fan_in or "
                "less, or build the model in a notebook and put it into a Bento"
            )


def check_state(detector: Detector) -> None:
    """Raises ConfigError for a detector whose state is too large for a service, naming its columns.

    >>> check_state(Detector.build("sensor", names=["pressure"]))
    >>> wide = Detector.build("performance", names=[f"cpu{i}" for i in range(2000)], entities=True)
    >>> check_state(wide)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    snnlab.errors.ConfigError: 2000 features and 0 categories take 280 MB; a model of the service takes at most 268 ...
    """
    taken = sum(array.nbytes for shard in detector.shards for array in (*shard.learnt.values(), *shard.state.values()))
    if taken > MAX_STATE:
        kinds = Counter(feature.aggregate for feature in detector.domain.features)
        raise ConfigError(
            f"{kinds['value']} features and {kinds['category']} categories take {taken / 1e6:.0f} MB; a model of the "
            f"service takes at most {MAX_STATE / 1e6:.0f} MB: name fewer of them, or build the model in a notebook and "
            "put it into a Bento"
        )
