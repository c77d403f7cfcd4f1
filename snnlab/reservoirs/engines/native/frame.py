"""A frame: everything that the native kernels take of one shard, taken over from Python once and not at every call."""

from typing import Any

from numba import njit, types
from numba.experimental import structref

__all__ = ["Frame", "frame_of"]


@structref.register
class _FrameType(types.StructRef):  # type: ignore[misc]
    """The compiled side of a frame."""

    def preprocess_fields(self, fields: Any) -> Any:  # noqa: ANN401 - numba's own types
        """Fields are what they hold, not the very value that they were made with."""
        return tuple((name, types.unliteral(kind)) for name, kind in fields)


class Frame(structref.StructRefProxy):  # type: ignore[misc]
    """A handle on arrays and scratch, which it keeps alive; only kernels look inside."""


structref.define_boxing(_FrameType, Frame)
structref.define_constructor(Frame, _FrameType, ["arrays", "scratch"])
structref.define_attributes(_FrameType)


@njit(cache=True)
def frame_of(arrays, scratch):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """A frame of what :meth:`.plan.Plan.arrays` and :meth:`.plan.Plan.scratch` give."""
    return Frame(arrays, scratch)
