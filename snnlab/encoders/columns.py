"""Many columns through their codes in one compiled call: the same spikes as each encoder gives alone.

Population, temporal and category codes are known here; an event of many features then costs one call, not one for
each feature.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import asinh
from typing import NamedTuple, Self

import numpy as np
from jaxtyping import Float64, Int32, Int64

from snnlab.encoders.base import Encoder
from snnlab.encoders.category import Category, lay_hash
from snnlab.encoders.fields import lay_fields
from snnlab.encoders.population import Population
from snnlab.encoders.standing import deviation_of, standing_of
from snnlab.encoders.temporal import Temporal, lay_latencies, rungs_of
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

    ``rungs`` are those of all temporal codes, one after the other, each code's from ``rung[j]`` on.

    >>> codes = ColumnCodes.of([Temporal(neurons=4), Category(neurons=16, active=2)])
    >>> values = np.array([[10.0, 7.0], [12.0, 8.0]])
    >>> address, tick, words = codes.encode(values, np.zeros((2, 3)), np.array([0, 4]), 20, learn=True, ticks=1)
    >>> address.tolist(), words.tolist()
    ([[0, 1, -1, -1, 19, 16], [0, 1, 2, -1, 15, 5]], [[1, 15], [2, 11]])
    """

    kinds: Int64[np.ndarray, " d"]
    settings: Float64[np.ndarray, "d 6"]
    seats: Int64[np.ndarray, " d1"]
    rungs: Float64[np.ndarray, " s"]
    rung: Int64[np.ndarray, " d"]
    volleys: Int64[np.ndarray, " d"]
    """The first volley of each column that fires in volleys, or -1."""

    @classmethod
    def of(cls, encoders: Sequence[Encoder]) -> Self:
        """The constants of these encoders, all of them ``compiled``."""
        rows = [_constants(encoder) for encoder in encoders]
        kinds = np.array([row[0] for row in rows], np.int64)
        settings = np.array([row[1:] for row in rows], float).reshape(-1, 6)
        rungs = [rungs_of(one) if isinstance(one, Temporal) else np.zeros(0) for one in encoders]
        starts = np.cumsum([0, *map(len, rungs)]).astype(np.int64)
        flat = np.concatenate([np.zeros(0), *rungs])
        return cls(kinds, settings, _starts(settings[:, 1]), flat, starts[:-1], np.full(len(rows), -1))

    def in_volleys(self, first: Int64[np.ndarray, " d"], inputs: int) -> tuple[Self, Int64[np.ndarray, "v 2"]]:
        """The same codes where temporal ones fire in volleys, and the volleys: first input neuron, and how many.

        In a single tick a temporal code fires its lowest neurons as one: volley v, told as address ``inputs + v``,
        takes one seat. A code that is folded onto the input layer keeps its neurons.

        >>> codes = ColumnCodes.of([Category(neurons=16, active=2), Temporal(neurons=2)])
        >>> codes, volleys = codes.in_volleys(np.array([0, 16]), 18)
        >>> volleys.tolist(), codes.volleys.tolist(), codes.seats.tolist()
        ([[16, 1], [16, 2]], [-1, 0], [0, 2, 3])
        """
        widths = self.settings[:, 0].astype(np.int64)
        fires = (self.kinds == _TEMPORAL) & (first + widths <= inputs)
        settings = np.where(fires[:, None] & (np.arange(6) == 1), 1.0, self.settings)
        runs = zip(first[fires], widths[fires], strict=True)
        volleys = [(start, count) for start, width in runs for count in range(1, width + 1)]
        begin = np.full(len(fires), -1)
        begin[fires] = _starts(widths[fires])[:-1]
        other = replace(self, settings=settings, seats=_starts(settings[:, 1]), volleys=begin)
        return other, np.array(volleys, np.int64).reshape(-1, 2)

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
        return BoundCodes(
            self.kinds, self.settings, self.seats, self.rungs, self.rung, self.volleys, first, places, ranges, inputs
        )


class BoundCodes(NamedTuple):
    """Codes as their kernel reads them; see :class:`ColumnCodes`."""

    kinds: Array
    settings: Array
    seats: Array
    rungs: Array
    rung: Array
    volleys: Array
    first: Array
    places: Array
    ranges: Array
    inputs: int


def _starts(sizes: Array) -> Int64[np.ndarray, " d1"]:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


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
    kinds, settings, seats, rungs, rung, volleys, first, places, ranges, inputs = bound
    for t in range(values.shape[0]):
        for k in range(seats[-1]):
            address[t, k], tick[t, k] = -1, 0
        for j in range(values.shape[1]):
            width, seat = int(settings[j, 0]), seats[j]
            if kinds[j] == _CATEGORY:
                word = lay_hash(_bits(values[t, j] + 0.0), width, int(settings[j, 1]), address, t, seat)
            elif kinds[j] == _TEMPORAL and ticks == 1:
                z = deviation_of(values[t, j], ranges, j, settings[j, 4], settings[j, 5], learn)
                word = _climb(z, rungs, rung[j], width, inputs, volleys[j], address, t, seat)
            else:
                standing = standing_of(values[t, j], ranges, j, settings[j, 3], settings[j, 4], settings[j, 5], learn)
                if kinds[j] == _POPULATION:
                    word = lay_fields(
                        standing, width, int(settings[j, 1]), settings[j, 2], ticks, address, tick, t, seat,
                        circular=False,
                    )  # fmt: skip
                else:
                    word = lay_latencies(standing, width, ticks, address, tick, t, seat)
            words[t, places[j]] = word
            if volleys[j] < 0:
                _place(address, t, seat, seats[j + 1], first[j], width, inputs)


@inlined
def _climb(z, rungs, rung, width, inputs, volley, address, row, seat):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - inlined
    """Spikes of a temporal code in a single tick, without a branch that nobody could foresee; returns the word."""
    fired = 0
    for k in range(width):
        fired += z >= rungs[rung + k]
    if volley >= 0:
        address[row, seat] = inputs + volley + fired - 1 if fired > 0 else -1
    else:
        for k in range(width):
            address[row, seat + k] = k if k < fired else -1
    return max(fired - 1, 0)


@inlined
def _place(address, row, seat, stop, first, width, inputs):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - inlined
    """From a code's own neurons to those of the input layer, onto which it may have to be folded."""
    folds = first + width > inputs  # dividing costs more than the rest, and layers are mostly wide enough
    for k in range(seat, stop):
        if address[row, k] >= 0:
            place = address[row, k] + first
            address[row, k] = place % inputs if folds else place
