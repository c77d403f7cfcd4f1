"""Networks on a CUDA device, a line each. What never changes of a network is sent once and stays there."""

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numba import cuda

from snnlab.reservoirs.engines.cuda.kernel import STDP, quantise
from snnlab.reservoirs.engines.cuda.plan import input_levels, level_of_weights, level_type, numbers, rule_of
from snnlab.reservoirs.engines.fitting import weights_of
from snnlab.reservoirs.engines.native.plan import plan_of
from snnlab.reservoirs.network import Network
from snnlab.types import Array, Arrays

__all__ = ["Resident"]

# What lies on a device is Any: numba has no types.
_WARP = 32

_HELD: WeakKeyDictionary[Network, dict[tuple[Any, ...], tuple[Any, ...]]] = WeakKeyDictionary()
"""By device, and by what it depends on."""


class Resident:
    """Networks of one shape as the kernel takes them: ``nets`` and ``rules``, see :func:`.kernel.kernel_of`.

    Sums have room for ``most`` input spikes in a tick. Raises ConfigError where learned arrays do not fit.
    """

    def __init__(self, networks: Sequence[tuple[Network, Arrays]], most: int, device: int, learn: int) -> None:
        self._networks, self._learn = networks, learn
        lines = [_line(network, learned, most, device) for network, learned in networks]
        self.nets = tuple(_stacked(column) for column in zip(*(line[0] for line in lines), strict=True))
        rules = [_rule(network, *line[1:], device, learn) for (network, _), line in zip(networks, lines, strict=True)]
        self.rules = tuple(_stacked(column) for column in zip(*rules, strict=True))

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
    return (targets, levels, input_targets, levels_given, bias, *map(_line_of, changing)), weights, level


def _rule(network: Network, weights: Any, level: float, device: int, learn: int) -> tuple[Any, ...]:  # noqa: ANN401
    """What a network learns by, and that it needs next to nothing where its synapses do not."""
    homeo = plan_of(network).params[4]
    if learn < STDP:
        none, index = np.zeros((1, 1), network.real), np.zeros((1, 1), np.int64)
        return none[None], none, none, none, index, index, index, index, _line_of(homeo)
    ltp, ltd, *synapses = _held(network, (device, "rule"), lambda: tuple(map(_sent, rule_of(network))))
    own = np.array([network.w_max, 1.0 / level, 0.5, 0.0], network.real)
    return weights, ltp, ltd, _line_of(own), *synapses, _line_of(homeo)


def _held(network: Network, key: tuple[Any, ...], send: Any) -> tuple[Any, ...]:  # noqa: ANN401
    held = _HELD.setdefault(network, {})
    if key not in held:
        held[key] = send()
    return held[key]


def _line_of(array: Array) -> Array:
    return np.ascontiguousarray(array)[None]


def _sent(array: Array) -> Any:  # noqa: ANN401
    """On the device, as the line of one network."""
    return cuda.to_device(_line_of(array))


def _sent_input(network: Network, most: int) -> tuple[Any, ...]:
    levels, level = input_levels(network, most)
    return (*map(_sent, (network.targets, network.input_targets, levels, network.bias)), level)


def _sent_weights(network: Network, weights: Array) -> tuple[Any, Any, float]:
    """Weights and their levels, and the level."""
    sent = _sent(weights)
    if network.quantised:
        return sent, sent, network.scale
    level = level_of_weights(network, weights)
    levels = cuda.device_array(sent.shape, level_type(network))
    quantise[len(weights), _WARP](sent, network.real.type(1.0 / level), network.real.type(0.5), levels)
    return sent, levels, level


def _stacked(lines: Sequence[Any]) -> Any:  # noqa: ANN401
    """The lines of all networks on the device, where they may lie already; shorter ones are filled up with zeros."""
    if len(lines) == 1:
        return cuda.to_device(lines[0])
    if isinstance(lines[0], np.ndarray):
        return cuda.to_device(np.concatenate(lines))
    shapes = {line.shape[1:] for line in lines}
    whole, kind = (len(lines), *max(shapes)), lines[0].dtype
    stacked = cuda.device_array(whole, kind) if len(shapes) == 1 else cuda.to_device(np.zeros(whole, kind))
    for at, line in enumerate(lines):
        stacked[at, : line.shape[1]].copy_to_device(line[0])
    return stacked
