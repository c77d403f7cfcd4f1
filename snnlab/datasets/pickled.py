"""Arrays and tables out of other people's pickle files, without running anything that a pickle may name.

Two public sets are published as pickles only. A pickle is a program; this reader lets it name nothing but the few
constructors of NumPy arrays and pandas tables, and puts a recorder of its own in the place of each. No code of NumPy or
pandas runs while reading; the recorded shapes, types and bytes are made into arrays afterwards.
"""

import io
import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np

from snnlab.errors import FileFormatError
from snnlab.types import Array

__all__ = ["read_array", "read_frame"]


class _Dtype:
    """A recorded ``numpy.dtype``."""

    def __init__(self, code: str, *_: object) -> None:
        self.code = code
        self.order = "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = state[1]
        if self.code == "M8":
            self.code = f"M8[{state[-1][1][0].decode()}]"

    def resolved(self) -> np.dtype[Any]:
        kind = np.dtype("O" if self.code == "O8" else self.code)
        return kind.newbyteorder(">") if self.order == ">" else kind


class _Array:
    """A recorded ``numpy.ndarray``."""

    shape: tuple[int, ...] = ()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, self.shape, self.dtype, self.fortran, self.content = state

    def resolved(self) -> Array:
        kind = self.dtype.resolved()
        if kind.hasobject:
            flat = np.empty(len(self.content), dtype=object)
            flat[:] = self.content
        else:
            flat = np.frombuffer(self.content, dtype=kind)
        return flat.reshape(self.shape, order="F" if self.fortran else "C")


class _Recorded:
    """A recorded object of pandas, with the state that it would have been given."""

    state: Any = None

    def __setstate__(self, state: Any) -> None:  # noqa: ANN401 - whatever the pickle holds
        self.state = state


class _Marker:
    """A class that a pickle names as an argument."""


def _reconstruct(*_: object) -> _Array:
    return _Array()


def _new_index(_kind: object, state: dict[str, Any]) -> _Recorded:
    index = _Recorded()
    index.state = state
    return index


RECORDERS: Mapping[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): _Marker,
    ("numpy", "dtype"): _Dtype,
    ("builtins", "slice"): slice,
    ("pandas.core.frame", "DataFrame"): _Recorded,
    ("pandas.core.internals.managers", "BlockManager"): _Recorded,
    ("pandas.core.indexes.base", "_new_Index"): _new_index,
    ("pandas.core.indexes.base", "Index"): _Marker,
    ("pandas.core.indexes.numeric", "Int64Index"): _Marker,
}


class _Reader(pickle.Unpickler):
    """An unpickler that knows the recorders and nothing else."""

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - as in pickle
        if (module, name) not in RECORDERS:
            raise FileFormatError(f"the file asks for {module}.{name}, which no array or table needs; it was not read")
        return RECORDERS[module, name]


def read_array(content: bytes, name: str) -> Array:
    """The array in a pickle; raises FileFormatError for anything else."""
    found = _read(content, name)
    if not isinstance(found, _Array):
        raise FileFormatError(f"{name} holds no array")
    return _resolved(found, name)


def read_frame(content: bytes, name: str) -> dict[str, Array]:
    """The columns of the pandas table in a pickle; raises FileFormatError for anything else."""
    found = _read(content, name)
    try:
        axes, blocks, items = found.state["_data"].state[:3]
        names = [str(word) for word in _resolved(axes[0].state["data"], name)]
        columns: dict[str, Array] = {}
        for block, labels in zip(blocks, items, strict=True):
            rows = _resolved(block, name)
            columns.update(zip(map(str, _resolved(labels.state["data"], name)), rows, strict=True))
        return {column: columns[column] for column in names}
    except (AttributeError, KeyError, TypeError, ValueError) as wrong:
        raise FileFormatError(f"{name} holds no table that can be read: {wrong}") from wrong


def _read(content: bytes, name: str) -> Any:  # noqa: ANN401 - a recorder
    try:
        return _Reader(io.BytesIO(content)).load()
    except FileFormatError as wrong:
        raise FileFormatError(f"{name}: {wrong}") from wrong
    # A damaged pickle may fail in any instruction of its program.
    except Exception as wrong:
        raise FileFormatError(f"{name} is damaged: {wrong}") from wrong


def _resolved(array: _Array, name: str) -> Array:
    try:
        return array.resolved()
    except (AttributeError, TypeError, ValueError) as wrong:
        raise FileFormatError(f"{name} holds an array that cannot be read: {wrong}") from wrong
