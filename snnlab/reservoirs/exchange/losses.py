"""What a network has and a NIR graph cannot hold, by name: it travels in the graph's metadata, which others ignore."""

from collections.abc import Callable
from dataclasses import dataclass

from snnlab.reservoirs.network import Network

__all__ = ["Loss", "losses"]


@dataclass(frozen=True)
class Loss:
    """One thing that only snnlab reads back."""

    name: str
    value: str
    without: str
    """What a reader that ignores it does."""

    def __str__(self) -> str:
        return f"{self.name} ({self.value}): {self.without}"


def losses(network: Network) -> tuple[Loss, ...]:
    """Everything about this network that NIR cannot hold.

    >>> from snnlab.config import NeuromorphicConfig
    >>> config = NeuromorphicConfig().replace({"reservoir.neurons": 64, "neuron.adaptation": 0.0})
    >>> [loss.name for loss in losses(Network.build(config, 10))]
    ['refractory period', 'plasticity', 'homeostasis', 'sparse weights', 'tick']
    """
    found = (loss(network) for loss in _KINDS)
    return tuple(loss for loss in found if loss is not None)


def _refractory(network: Network) -> Loss | None:
    time = network.config.neuron.refractory
    return Loss("refractory period", f"{time:g} ms", "neurons may fire again at once") if time > 0 else None


def _adaptation(network: Network) -> Loss | None:
    neuron = network.config.neuron
    value = f"+{neuron.adaptation:g} a spike, {neuron.tau_adaptation:g} ms"
    return Loss("adaptive threshold", value, "thresholds stay where they are") if neuron.adaptation > 0 else None


def _plasticity(network: Network) -> Loss | None:
    learning = network.config.learning
    value = f"{learning.algorithm}, rate {learning.learning_rate:g}"
    return Loss("plasticity", value, "weights stay as they were learnt") if network.plastic else None


def _homeostasis(network: Network) -> Loss | None:
    homeostasis = network.config.learning.homeostasis
    value = f"target {homeostasis.target_rate:g}, rate {homeostasis.rate:g}"
    return Loss("homeostasis", value, "thresholds and gain stay as they were learnt") if homeostasis.rate > 0 else None


def _levels(network: Network) -> Loss | None:
    value = f"of {network.scale:.3g}"
    return Loss("int8 levels", value, "weights are read as real numbers") if network.quantised else None


def _sparse(network: Network) -> Loss | None:
    n, degree = network.targets.shape
    if degree >= n - 1:
        return None
    sparse, dense = n * degree * 4 / 1e6, n * n * 4 / 1e6
    return Loss("sparse weights", f"{degree} of {n} targets", f"{dense:.3g} MB of dense matrix, not {sparse:.3g}")


def _tick(network: Network) -> Loss | None:
    return Loss("tick", f"{network.config.tick:g} ms", "a reader steps by a tick of its own; give it this one")


_KINDS: tuple[Callable[[Network], Loss | None], ...] = (
    _refractory, _adaptation, _plasticity, _homeostasis, _levels, _sparse, _tick,
)  # fmt: skip
