"""From features to input spikes: each feature's code on its own stretch of the network's input layer."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float64, Int32, Int64

from snnlab.domains import Domain
from snnlab.encoders import Category, Encoder, Spikes, encoder_from_json
from snnlab.encoders.columns import BoundCodes, ColumnCodes, compiled
from snnlab.encoders.registry import KINDS
from snnlab.errors import ConfigError
from snnlab.types import Arrays

__all__ = ["Codes", "Encoded"]


@dataclass(frozen=True)
class Encoded:
    """Input spikes of ``n`` events (``address``, -1 for none, and ``tick``), and each column's word."""

    address: Int32[np.ndarray, "n m"]
    tick: Int32[np.ndarray, "n m"]
    words: Int32[np.ndarray, "n d"]


@dataclass(frozen=True, eq=False)
class Codes:
    """An encoder for each feature, numeric ones first, and where each begins on an input layer of ``inputs`` neurons.

    Where the codes need more neurons than the layer has, they are folded onto it. ``joined`` codes fire in volleys
    where they can when they are bound to an engine, see :meth:`.columns.ColumnCodes.in_volleys`; :meth:`encode` tells
    of the input neurons.
    """

    encoders: tuple[Encoder, ...]
    names: tuple[str, ...]
    inputs: int
    joined: bool = False

    @classmethod
    def of(cls, domain: Domain, numbers: Sequence[str], symbols: Sequence[str], *, joined: bool = False) -> "Codes":
        """The codes that a domain names, and defaults for the rest.

        Raises:
            ConfigError: the input layer names an encoder that does not exist.
        """
        default = domain.network.input.encoding
        if default not in KINDS:
            raise ConfigError(f"encoding {default!r} of the input layer is unknown; there are {', '.join(KINDS)}")
        encoders = [
            encoder_from_json(domain.codes[name]) if name in domain.codes else KINDS[default]() for name in numbers
        ] + [encoder_from_json(domain.codes[name]) if name in domain.codes else Category() for name in symbols]
        return cls(tuple(encoders), (*numbers, *symbols), domain.network.input.neurons, joined)

    @cached_property
    def words(self) -> tuple[int, ...]:
        """How many words each column's code has."""
        return tuple(encoder.width for encoder in self.encoders)

    @cached_property
    def _known(self) -> list[int]:
        """Columns whose codes run in one compiled call."""
        return [at for at, encoder in enumerate(self.encoders) if compiled(encoder)]

    @cached_property
    def _starts(self) -> Int64[np.ndarray, " d"]:
        """Where each of those begins."""
        return np.cumsum([0, *self.words])[:-1].astype(np.int64)[self._known]

    @cached_property
    def _compiled(self) -> ColumnCodes:
        """Their constants."""
        return ColumnCodes.of([self.encoders[at] for at in self._known])

    @cached_property
    def _bound(self) -> tuple[ColumnCodes, Int64[np.ndarray, "v 2"]]:
        """What an engine gets of them, and their volleys."""
        none = np.zeros((0, 2), np.int64)
        return self._compiled.in_volleys(self._starts, self.inputs) if self.joined else (self._compiled, none)

    @property
    def volleys(self) -> Int64[np.ndarray, "v 2"]:
        """Input neurons that fire as one: the first, and how many. Their addresses follow those of the neurons."""
        return self._bound[1]

    @property
    def coded(self) -> Int64[np.ndarray, " k"]:
        """The columns whose codes are compiled."""
        return np.array(self._known, np.int64)

    @property
    def seats(self) -> int:
        """Input spikes that the bound codes give an event at most."""
        return int(self._bound[0].seats[-1])

    @property
    def whole(self) -> bool:
        """Whether all codes are compiled."""
        return not self._others

    def bind(self, learnt: Arrays) -> BoundCodes:
        """The compiled codes as their kernel reads them, in volleys where they are joined."""
        return self._bound[0].bind(learnt["ranges"], self._starts, self.coded, self.inputs)

    @cached_property
    def _others(self) -> list[int]:
        return [at for at, encoder in enumerate(self.encoders) if not compiled(encoder)]

    def fresh(self) -> Arrays:
        """What the codes have learnt: ``ranges`` of the compiled ones, ``column.array`` of the others."""
        learnt: Arrays = {"ranges": np.zeros((len(self._known), 3))}
        for at in self._others:
            learnt |= {f"{at}.{name}": array for name, array in self.encoders[at].fresh().items()}
        return learnt

    def encode(
        self,
        numbers: Float64[np.ndarray, "n p"],
        symbols: Int32[np.ndarray, "n c"],
        learnt: Arrays,
        *,
        learn: bool,
        ticks: int,
    ) -> Encoded:
        """Spikes of ``n`` events in order; updates ``learnt`` when ``learn``."""
        values = np.concatenate((numbers, symbols), axis=1)
        own = self._compiled.encode(
            values[:, self.coded], learnt["ranges"], self._starts, self.inputs, learn=learn, ticks=ticks
        )
        words = np.empty((len(values), len(self.encoders)), np.int32)
        address, tick, words[:, self.coded] = own
        return self.join(Encoded(address, tick, words), values, learnt, learn=learn, ticks=ticks)

    def join(
        self, own: Encoded, values: Float64[np.ndarray, "n d"], learnt: Arrays, *, learn: bool, ticks: int
    ) -> Encoded:
        """The spikes of the compiled codes, and after them those of the others; fills in the others' words."""
        if not self._others:
            return own
        parts = [self._alone(at, values[:, at], learnt, learn=learn, ticks=ticks) for at in self._others]
        for at, part in zip(self._others, parts, strict=True):
            own.words[:, at] = part.symbol
        address = np.concatenate([own.address, *(part.address for part in parts)], axis=1)
        return Encoded(address, np.concatenate([own.tick, *(part.tick for part in parts)], axis=1), own.words)

    def _alone(self, at: int, values: Float64[np.ndarray, " n"], learnt: Arrays, *, learn: bool, ticks: int) -> Spikes:
        """The spikes of one encoder that is not compiled, on its stretch of the input layer."""
        prefix, start = f"{at}.", sum(self.words[:at])
        own = {name.removeprefix(prefix): array for name, array in learnt.items() if name.startswith(prefix)}
        spikes = self.encoders[at].encode(values, own, learn=learn, ticks=ticks)
        address = np.where(spikes.address >= 0, (spikes.address + start) % self.inputs, -1).astype(np.int32)
        return Spikes(address, spikes.tick.astype(np.int32), spikes.symbol)
