"""Names for the shapes that travel between floors.

Array shapes are written with jaxtyping: ``Float64[np.ndarray, "n f"]`` is n events by f features.
The axis names are the same everywhere: ``n`` events, ``f`` features, ``g`` groups, ``m`` spikes of
an event, ``e`` entities, ``i`` neurons, ``k`` fan-out.
"""

from typing import Any, TypeAlias

import numpy as np

__all__ = ["Array", "Arrays", "Json"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
"""Any NumPy array."""

Arrays: TypeAlias = dict[str, Array]
"""Named arrays: the whole of what a component learns or remembers. They save, compare and restore exactly."""

Json: TypeAlias = dict[str, Any]
"""A JSON object."""
