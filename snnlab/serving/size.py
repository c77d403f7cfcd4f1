"""How large a network a request may ask for: what it takes is bounded before any of it is made."""

from snnlab.config import NeuromorphicConfig
from snnlab.errors import ConfigError

__all__ = ["MAX_NEURONS", "MAX_SYNAPSES", "check_size"]

MAX_NEURONS = 100_000
"""Largest reservoir that a request may ask for; one of a million neurons takes a gigabyte."""
MAX_SYNAPSES = 20_000_000
"""Most synapses of it, recurrent and from the input: 12 bytes each, where they learn."""
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
