"""Many columns through their codes in one compiled call: the same spikes as each encoder gives alone.

Population, temporal and category codes are known here; an event of many features then costs one call, not one for
each feature.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import asinh
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int32, Int64

from snnlab.encoders.base import Encoder
from snnlab.encoders.category import Category, lay_hash
from snnlab.encoders.fields import lay_fields
from snnlab.encoders.population import Population
from snnlab.encoders.standing import standing_of
from snnlab.encoders.temporal import Temporal, lay_latencies
from snnlab.kernels import inlined, kernel
from snnlab.types import Array

__all__ = ["BoundCodes", "ColumnCodes", "compiled", "lay_spikes"]

_POPULATION, _TEMPORAL, _CATEGORY = range(3)


def compiled(encoder: Encoder) -> bool:
    """Whether an encoder's code is one of those that run here.

    >>> compiled(Population())
    True
    """
    return type(encoder) in {Population, Temporal, Category}


@dataclass(frozen=True, eq=False)
class ColumnCodes:
    """The constants of ``d`` codes: kind, six numbers each, and the seats that each one's spikes take.

    >>> codes = ColumnCodes.of([Temporal(neurons=4), Category(neurons=16, active=2)])
    >>> values = np.array([[10.0, 7.0], [12.0, 8.0]])
    >>> address, tick, words = codes.encode(values, np.zeros((2, 3)), np.array([0, 4]), 20, learn=True, ticks=1)
    >>> address.tolist(), words.tolist()
    ([[0, 1, -1, -1, 19, 16], [0, 1, 2, -1, 15, 5]], [[1, 15], [2, 11]])
    """

    kinds: Int64[np.ndarray, " d"]
    settings: Float64[np.ndarray, "d 6"]
    seats: Int64[np.ndarray, " d1"]

    @classmethod
    def of(cls, encoders: Sequence[Encoder]) -> "ColumnCodes":
        """The constants of these encoders, all of them ``compiled``."""
        rows = [_constants(encoder) for encoder in encoders]
        seats = np.cumsum([0, *(int(row[2]) for row in rows)]).astype(np.int64)
        kinds = np.array([row[0] for row in rows], np.int64)
        return cls(kinds, np.array([row[1:] for row in rows], float).reshape(-1, 6), seats)

    def encode(
        self,
        values: Float64[np.ndarray, "n d"],
        ranges: Float64[np.ndarray, "d 3"],
        first: Int64[np.ndarray, " d"],
        inputs: int,
        *,
        learn: bool,
        ticks: int,
    ) -> tuple[Int32[np.ndarray, "n m"], Int32[np.ndarray, "n m"], Int32[np.ndarray, "n d"]]:
        """Addresses (column j begins at ``first[j]``, folded onto ``inputs`` neurons), ticks and words of ``n`` events.

        ``ranges`` holds what each code knows of its column, and is updated in place when ``learn``. The values must
        be finite.
        """
        n, columns = values.shape
        address = np.empty((n, int(self.seats[-1])), np.int32)
        tick, words = np.empty_like(address), np.empty((n, columns), np.int32)
        bound = self.bind(ranges, first, np.arange(columns), inputs)
        lay_spikes(bound, values, learn, ticks, address, tick, words)
        return address, tick, words

    def bind(
        self, ranges: Float64[np.ndarray, "d 3"], first: Int64[np.ndarray, " d"], places: Int64[np.ndarray, " d"],
        inputs: int,
    ) -> "BoundCodes":  # fmt: skip
        """What :func:`lay_spikes` takes; the word of column j goes to ``places[j]``."""
        return BoundCodes(self.kinds, self.settings, self.seats, first, places, ranges, inputs)


class BoundCodes(NamedTuple):
    """Codes as their kernel reads them; see :class:`ColumnCodes`."""

    kinds: Array
    settings: Array
    seats: Array
    first: Array
    places: Array
    ranges: Array
    inputs: int


def _constants(encoder: Encoder) -> tuple[float, ...]:
    """Kind, width, seats, overlap, half a standing's slope, horizon, resolution."""
    if isinstance(encoder, Population):
        own = (encoder.overlap, 0.5 / asinh(encoder.reach), float(encoder.horizon), encoder.resolution)
        return (_POPULATION, encoder.fields, encoder.active, *own)
    if isinstance(encoder, Temporal):
        own = (0.0, 0.5 / asinh(encoder.reach), float(encoder.horizon), encoder.resolution)
        return (_TEMPORAL, encoder.neurons, encoder.neurons, *own)
    if isinstance(encoder, Category):
        return (_CATEGORY, encoder.neurons, encoder.active, 0.0, 1.0, 1.0, 0.0)
    raise TypeError(f"{type(encoder).__name__} has no compiled code")


@inlined
def _bits(number):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - inlined
    return np.float64(number).view(np.uint64)


@kernel
def lay_spikes(
    bound: BoundCodes, values: Array, learn: bool, ticks: int, address: Array, tick: Array, words: Array
) -> None:
    """Fill in addresses (-1 for none), ticks and words of ``n`` events in order."""
    kinds, settings, seats, first, places, ranges, inputs = bound
    for t in range(values.shape[0]):
        for k in range(seats[-1]):
            address[t, k], tick[t, k] = -1, 0
        for j in range(values.shape[1]):
            width, active, seat = int(settings[j, 0]), int(settings[j, 1]), seats[j]
            if kinds[j] == _CATEGORY:
                word = lay_hash(_bits(values[t, j] + 0.0), width, active, address, t, seat)
            else:
                standing = standing_of(values[t, j], ranges, j, settings[j, 3], settings[j, 4], settings[j, 5], learn)
                if kinds[j] == _POPULATION:
                    word = lay_fields(
                        standing, width, active, settings[j, 2], ticks, address, tick, t, seat, circular=False
                    )
                else:
                    word = lay_latencies(standing, width, ticks, address, tick, t, seat)
            words[t, places[j]] = word
            folds = first[j] + width > inputs  # dividing costs more than the rest, and layers are mostly wide enough
            for k in range(seat, seat + active):
                if address[t, k] >= 0:
                    place = address[t, k] + first[j]
                    address[t, k] = place % inputs if folds else place
