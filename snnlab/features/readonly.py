"""Arrays as kernels take them: contiguous, of one type, read-only. A kernel is then compiled once."""

import numpy as np
from numpy.typing import DTypeLike

from snnlab.types import Array

__all__ = ["readonly"]


def readonly(array: Array, dtype: DTypeLike) -> Array:
    """A read-only view of an array, copied only where its type or layout asks for it.

    >>> readonly(np.zeros(2, np.int32), np.int64).flags.writeable
    False
    """
    flags = array.flags
    if array.dtype != dtype:
        own = array.astype(dtype, order="C")
    elif flags.c_contiguous and not flags.writeable:
        return array
    else:
        own = np.ascontiguousarray(array).view()
    own.flags.writeable = False
    return own
