"""Memory asked for before it is needed: rows of entities and of synapses lie where no processor would guess."""

from llvmlite import ir
from numba import types
from numba.core.cgutils import get_or_insert_function, unpack_tuple
from numba.extending import intrinsic

from snnlab.kernels import inlined

__all__ = ["ahead", "fetch", "fetch_many"]

# ruff: noqa: ANN001, ANN201, ANN202, ARG001 - the types of a kernel are those it is compiled for
# mypy: disable-error-code="no-untyped-def, no-untyped-call"

_EVENTS = 24
"""So many before its own an event's rows are asked for: it takes as long until they are here."""
_LINE = 64
_WRITE, _READ, _KEEP, _DATA = 1, 0, 3, 1


def _asking(purpose: int):
    """An intrinsic that asks for memory: a line that is to be written is taken from the other processors."""

    @intrinsic
    def ask(typingctx, array, at):
        def generate(context, builder, signature, arguments):
            held = context.make_array(signature.args[0])(context, builder, arguments[0])
            byte, number, whole = ir.IntType(8).as_pointer(), ir.IntType(32), ir.IntType(64)
            kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
            prefetch = get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
            stride = unpack_tuple(builder, held.strides)[0]
            first = builder.add(builder.ptrtoint(held.data, whole), builder.mul(arguments[1], stride))
            last = builder.sub(builder.add(first, stride), whole(1))
            for place in (first, last) if signature.args[0].ndim > 1 else (first,):
                builder.call(prefetch, [builder.inttoptr(place, byte), *map(number, (purpose, _KEEP, _DATA))])
            return context.get_dummy_value()

        return types.void(array, types.int64), generate

    return ask


fetch = _asking(_WRITE)
"""Bring ``array[at]`` near, to write it: the line of memory with an element, or the first and the last one of a row.

Nothing happens where there is no such place.
"""
_peek = _asking(_READ)


@inlined
def fetch_many(array, at, count):
    """Bring ``array[at : at + count]`` near, to read it; ``array`` is flat."""
    for k in range(0, count, _LINE // array.itemsize):
        _peek(array, at + k)


@inlined
def ahead(array, rows, t):
    """Bring near what an event some way after ``t`` will read or write: the row of ``array`` that is its entity's."""
    fetch(array, rows[min(t + _EVENTS, rows.size - 1)])
