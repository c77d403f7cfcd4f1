"""Room for copies, used again and again: to write memory that is new takes ten times as long as where it is there."""

import numpy as np
from jaxtyping import Int32

from snnlab.types import Array

__all__ = ["Room"]

_LINE = 64  # bytes that a processor fetches at once
_PAGE = 4096


class Room:
    """Memory for copies that are taken together and are done with together; more than fits is made anew.

    >>> room = Room()
    >>> room.widen(1000)
    >>> copy = room.rows(np.eye(3), np.array([2, 0], np.int32))
    >>> copy.tolist(), room.free
    ([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]], 936)
    """

    def __init__(self) -> None:
        self._memory = np.empty(0, np.uint8)
        self._used = 0

    @property
    def size(self) -> int:
        """Bytes of the memory."""
        return self._memory.size

    @property
    def free(self) -> int:
        """Bytes that are not used."""
        return max(self._memory.size - self._used, 0)

    def widen(self, nbytes: int) -> None:
        """Have so many bytes, and touch them, so that copies need not; nothing may be in use."""
        if nbytes > self._memory.size:
            memory = np.empty(nbytes, np.uint8)
            memory[::_PAGE] = 0
            self._memory = memory

    def clear(self) -> None:
        """What was copied is done with."""
        self._used = 0

    def copy(self, array: Array) -> Array:
        """A copy of an array."""
        out = self._for(array.shape, array.dtype)
        np.copyto(out, array)
        return out

    def rows(self, array: Array, rows: Int32[np.ndarray, " k"]) -> Array:
        """Copies of some rows of an array."""
        out = self._for((rows.size, *array.shape[1:]), array.dtype)
        return np.take(array, rows, axis=0, out=out, mode="clip") if out.size else out

    def _for(self, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> Array:
        begin, nbytes = self._used, int(np.prod(shape)) * dtype.itemsize
        self._used += -(-nbytes // _LINE) * _LINE
        if self._used > self._memory.size:
            return np.empty(shape, dtype)
        return self._memory[begin : begin + nbytes].view(dtype).reshape(shape)
