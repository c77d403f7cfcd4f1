"""Networks on a CUDA device, a line each.

A network that is run alone, as in a replay, is sent once and what never changes of it stays there. Those of a sweep are
put together on the host, so that each kind of array goes there in one piece instead of one for each network.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
        place = _Place(device, resident=len(networks) == 1)
        lines = [_line(network, learned, most, place) for network, learned in networks]
        self.nets = tuple(_stacked(column) for column in zip(*(line[0] for line in lines), strict=True))
        rules = [_rule(network, *line[1:], place, learn) for (network, _), line in zip(networks, lines, strict=True)]
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


@dataclass(frozen=True)
class _Place:
    """Where lines are made: on the device, to stay there, or on the host, to be put together."""

    device: int
    resident: bool

    def put(self, array: Array) -> Any:  # noqa: ANN401
        """An array as the line of one network."""
        line = np.ascontiguousarray(array)[None]
        return cuda.to_device(line) if self.resident else line

    def held(self, network: Network, key: tuple[Any, ...], make: Callable[[], tuple[Any, ...]]) -> tuple[Any, ...]:
        """What ``make`` makes of a network; made once if it is to stay."""
        if not self.resident:
            return make()
        held = _HELD.setdefault(network, {})
        if (self.device, *key) not in held:
            held[self.device, *key] = make()
        return held[self.device, *key]

    def levels(self, network: Network, weights: Array, line: Any, level: float) -> Any:  # noqa: ANN401
        """Weights in whole levels, the nearest; ``line`` is what was put of them."""
        to_level, half, kind = network.real.type(1.0 / level), network.real.type(0.5), level_type(network)
        if not self.resident:
            return self.put(np.floor(weights * to_level + half).astype(kind))
        levels = cuda.device_array(line.shape, kind)
        quantise[len(weights), _WARP](line, to_level, half, levels)
        return levels


def _line(network: Network, learned: Arrays, most: int, place: _Place) -> tuple[tuple[Any, ...], Any, float]:
    """A network's arrays in order, its weights and their level; the arrays that change are on the host."""
    targets, input_targets, levels_given, bias, given = place.held(
        network, ("input", most), lambda: _input(network, most, place)
    )
    weights = weights_of(network, learned).reshape(network.targets.shape)
    if network.plastic:
        weights, levels, level = _weights(network, weights, place)
    else:
        weights, levels, level = place.held(network, ("weights",), lambda: _weights(network, weights, place))
    changing = learned["threshold"], *numbers(network, level, given), learned["homeostat"]
    return (targets, levels, input_targets, levels_given, bias, *map(_line_of, changing)), weights, level


def _rule(network: Network, weights: Any, level: float, place: _Place, learn: int) -> tuple[Any, ...]:  # noqa: ANN401
    """What a network learns by, and that it needs next to nothing where its synapses do not."""
    homeo = plan_of(network).params[4]
    if learn < STDP:
        none, index = np.zeros((1, 1), network.real), np.zeros((1, 1), np.int64)
        return none[None], none, none, none, index, index, index, index, _line_of(homeo)
    ltp, ltd, *synapses = place.held(network, ("rule",), lambda: tuple(map(place.put, rule_of(network))))
    own = np.array([network.w_max, 1.0 / level, 0.5, 0.0], network.real)
    return weights, ltp, ltd, _line_of(own), *synapses, _line_of(homeo)


def _input(network: Network, most: int, place: _Place) -> tuple[Any, ...]:
    levels, level = input_levels(network, most)
    return (*map(place.put, (network.targets, network.input_targets, levels, network.bias)), level)


def _weights(network: Network, weights: Array, place: _Place) -> tuple[Any, Any, float]:
    """Weights and their levels, and the level."""
    line = place.put(weights)
    if network.quantised:
        return line, line, network.scale
    level = level_of_weights(network, weights)
    return line, place.levels(network, weights, line, level), level


def _line_of(array: Array) -> Array:
    return np.ascontiguousarray(array)[None]


def _stacked(lines: Sequence[Any]) -> Any:  # noqa: ANN401
    """The lines of all networks on the device, where one alone may lie already; shorter ones end in zeros."""
    if len(lines) == 1:
        return cuda.to_device(lines[0])
    whole = np.zeros((len(lines), *max(line.shape[1:] for line in lines)), lines[0].dtype)
    for at, line in enumerate(lines):
        whole[at, : line.shape[1]] = line[0]
    return cuda.to_device(whole)
