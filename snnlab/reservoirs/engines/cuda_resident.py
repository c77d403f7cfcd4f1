"""Networks on a CUDA device, a line each. What never changes of a network is sent once and stays there."""

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numba import cuda

from snnlab.reservoirs.engines.cuda_kernel import STDP, quantise
from snnlab.reservoirs.engines.cuda_plan import input_levels, level_of_weights, level_type, numbers, rule_of
from snnlab.reservoirs.engines.fitting import weights_of
from snnlab.reservoirs.network import Network
from snnlab.types import Array, Arrays

__all__ = ["Resident"]

# What lies on a device is Any: numba has no types.
_WARP = 32

_HELD: WeakKeyDictionary[Network, dict[tuple[Any, ...], tuple[Any, ...]]] = WeakKeyDictionary()
"""By device, and by what it depends on."""


class Resident:
    """Networks of one shape as the kernel takes them: ``nets`` and ``rules``, see :func:`.cuda_kernel.kernel_of`.

    Sums have room for ``most`` input spikes in a tick. Raises ConfigError where learned arrays do not fit.
    """

    def __init__(self, networks: Sequence[tuple[Network, Arrays]], most: int, device: int, learn: int) -> None:
        self._networks, self._learn = networks, learn
        lines = [_line(network, learned, most, device) for network, learned in networks]
        self.nets = tuple(_stacked(column) for column in zip(*(line[0] for line in lines), strict=True))
        none = np.zeros((len(networks), 1, 1), networks[0][0].real)
        weights = _stacked([line[1] for line in lines]) if learn == STDP else cuda.to_device(none)
        ruled = zip(networks, lines, strict=True) if learn else [(networks[0], lines[0])]
        rules = [_rule(network, line[2], device, learn) for (network, _), line in ruled]
        self.rules = (weights, *(_stacked(column) for column in zip(*rules, strict=True)))

    def take_learned(self) -> None:
        """Bring back what was learnt."""
        if not self._learn:
            return
        found = {"threshold": self.nets[5], "homeostat": self.nets[9]}
        found |= {"weights": self.rules[0]} if self._learn == STDP else {}
        for name, array in found.items():
            for (_, learned), own in zip(self._networks, array.copy_to_host(), strict=True):
                learned[name][:] = own


def _line(network: Network, learned: Arrays, most: int, device: int) -> tuple[tuple[Any, ...], Any, float]:
    """A network's arrays in order, its weights and their level; the arrays that change are on the host."""
    targets, input_targets, levels_given, bias, given = _held(
        network, (device, "input", most), lambda: _sent_input(network, most)
    )
    weights = weights_of(network, learned).reshape(network.targets.shape)
    if network.plastic:
        weights, levels, level = _sent_weights(network, weights)
    else:
        weights, levels, level = _held(network, (device, "weights"), lambda: _sent_weights(network, weights))
    changing = learned["threshold"], *numbers(network, level, given), learned["homeostat"]
    return (targets, levels, input_targets, levels_given, bias, *changing), weights, level


def _rule(network: Network, level: float, device: int, learn: int) -> tuple[Any, ...]:
    if learn < STDP:
        return rule_of(network, level) if not network.plastic else _silent(network)
    key = device, "rule", level
    return _held(network, key, lambda: tuple(cuda.to_device(array) for array in rule_of(network, level)))


def _silent(network: Network) -> tuple[Array, ...]:
    """What a network that does not learn now would learn by, without its synapses."""
    nothing, none = np.zeros(1, network.real), np.zeros(1, np.int64)
    return nothing, nothing, nothing, none, none, none, none, np.zeros(7)


def _held(network: Network, key: tuple[Any, ...], send: Any) -> tuple[Any, ...]:  # noqa: ANN401
    held = _HELD.setdefault(network, {})
    if key not in held:
        held[key] = send()
    return held[key]


def _sent_input(network: Network, most: int) -> tuple[Any, ...]:
    levels, level = input_levels(network, most)
    arrays = network.targets, network.input_targets, levels, network.bias
    return (*(cuda.to_device(array) for array in arrays), level)


def _sent_weights(network: Network, weights: Array) -> tuple[Any, Any, float]:
    """Weights and their levels, and the level."""
    sent = cuda.to_device(weights)
    if network.quantised:
        return sent, sent, network.scale
    level = level_of_weights(network, weights)
    levels = cuda.device_array(weights.shape, level_type(network))
    quantise[len(weights), _WARP](sent, network.real.type(1.0 / level), network.real.type(0.5), levels)
    return sent, levels, level


def _stacked(arrays: Sequence[Any]) -> Any:  # noqa: ANN401
    """Arrays on the device or not, a line each; shorter ones are filled up with zeros."""
    if len(arrays) == 1:
        return cuda.to_device(arrays[0]).reshape(1, *arrays[0].shape)
    if isinstance(arrays[0], np.ndarray) and len({array.shape for array in arrays}) == 1:
        return cuda.to_device(np.stack(arrays))
    shape, ragged = max(array.shape for array in arrays), len({array.shape for array in arrays}) > 1
    whole = (len(arrays), *shape)
    stacked = cuda.to_device(np.zeros(whole, arrays[0].dtype)) if ragged else cuda.device_array(whole, arrays[0].dtype)
    for line, array in enumerate(arrays):
        stacked[line, : array.shape[0]].copy_to_device(array)
    return stacked
