"""Sorted preferred values, a row a neuron population: where a value stands among them, and taking one in.

Compiled, for the readouts that know values by the nearest one they have met.
"""

import numpy as np

from snnlab.kernels import inlined, kernel
from snnlab.types import Array

__all__ = ["distance_to", "insert", "place_of"]

_WINDOW = 64


@inlined
def place_of(known: Array, row: int, count: int, value: float) -> int:
    """How many of the first ``count`` values of a row are less than ``value``, all of them finite.

    Nothing here waits for a comparison: half of them would be foreseen wrongly, which costs more than all the rest.
    Where there are many values, quarters are left out until a window remains whose values are compared at once;
    where there are few, halves are, by the sign of a difference, as compilers make a branch of a comparison.

    >>> known = np.array([[1.0, 2.0, 4.0, 0.0]])
    >>> [place_of(known, 0, 3, value) for value in (0.5, 2.0, 9.0)]
    [0, 1, 3]
    """
    first, left = 0, count
    if count >= _WINDOW:
        while left > _WINDOW:
            quarter = left >> 2
            less = int(known[row, first + quarter - 1] < value) + int(known[row, first + 2 * quarter - 1] < value)
            first += quarter * (less + int(known[row, first + 3 * quarter - 1] < value))
            left -= 3 * quarter
        first = min(first, count - _WINDOW)
        less = 0
        for k in range(_WINDOW):  # by what is never negative, or no vectors are made of it
            less += int(known[np.uint64(row), np.uint64(first) + np.uint64(k)] < value)
        return first + less
    while left > 1:
        half = left >> 1
        first += half & int(np.float64(known[row, first + half - 1] - value).view(np.int64) >> 63)
        left -= half
    if left > 0:
        first -= int(np.float64(known[row, first] - value).view(np.int64) >> 63)
    return first


@inlined
def distance_to(known: Array, row: int, count: int, value: float) -> float:
    """Distance from ``value`` to the nearest of the first ``count`` values of a row; infinite where there is none.

    >>> distance_to(np.array([[1.0, 2.0, 4.0]]), 0, 3, 3.5)
    0.5
    """
    place = place_of(known, row, count, value)
    distance = np.inf
    if place < count:
        distance = known[row, place] - value
    if place > 0:
        distance = min(distance, value - known[row, place - 1])
    return distance


@kernel
def insert(known: Array, row: int, count: int, value: float) -> None:
    """Take a value in among the first ``count`` of a row, which has room for one more.

    >>> known = np.array([[1.0, 3.0, 0.0]])
    >>> insert(known, 0, 2, 2.0)
    >>> known.tolist()
    [[1.0, 2.0, 3.0]]
    """
    place = place_of(known, row, count, value)
    for j in range(count, place, -1):
        known[row, j] = known[row, j - 1]
    known[row, place] = value
