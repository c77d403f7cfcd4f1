"""From features to input spikes: each feature's code on its own stretch of the network's input layer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int32

from snnlab.domains import Domain
from snnlab.encoders import Category, Encoder, encoder_from_json
from snnlab.encoders.registry import KINDS
from snnlab.errors import ConfigError
from snnlab.types import Arrays

__all__ = ["Codes", "Encoded"]

_WORDS = 64


@dataclass(frozen=True)
class Encoded:
    """Input spikes of ``n`` events (``address``, -1 for none, and ``tick``), and each column's word."""

    address: Int32[np.ndarray, "n m"]
    tick: Int32[np.ndarray, "n m"]
    words: Int32[np.ndarray, "n d"]


@dataclass(frozen=True)
class Codes:
    """An encoder for each feature, numeric ones first, and where each begins on an input layer of ``inputs`` neurons.

    Where the codes need more neurons than the layer has, they are folded onto it.
    """

    encoders: tuple[Encoder, ...]
    names: tuple[str, ...]
    inputs: int

    @classmethod
    def of(cls, domain: Domain, numbers: Sequence[str], symbols: Sequence[str]) -> "Codes":
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
        return cls(tuple(encoders), (*numbers, *symbols), domain.network.input.neurons)

    @property
    def words(self) -> tuple[int, ...]:
        """How many words each column's code has."""
        return tuple(encoder.width for encoder in self.encoders)

    def fresh(self) -> Arrays:
        """Everything that the encoders have learnt, by ``column.array``."""
        return {f"{at}.{name}": array for at, e in enumerate(self.encoders) for name, array in e.fresh().items()}

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
        split = numbers.shape[1]
        columns = [numbers[:, j] for j in range(split)] + [
            symbols[:, j].astype(np.float64) for j in range(symbols.shape[1])
        ]
        parts, start = [], 0
        for at, (encoder, values) in enumerate(zip(self.encoders, columns, strict=True)):
            prefix = f"{at}."
            own = {name.removeprefix(prefix): array for name, array in learnt.items() if name.startswith(prefix)}
            spikes = encoder.encode(values, own, learn=learn, ticks=ticks)
            folded = (spikes.address + start) % self.inputs
            parts.append((np.where(spikes.address >= 0, folded, -1).astype(np.int32), spikes.tick, spikes.symbol))
            start += encoder.width
        if not parts:
            nothing = np.zeros((len(numbers), 0), np.int32)
            return Encoded(nothing, nothing, nothing)
        return Encoded(
            np.concatenate([part[0] for part in parts], axis=1),
            np.concatenate([part[1] for part in parts], axis=1).astype(np.int32),
            np.stack([part[2] for part in parts], axis=1),
        )
