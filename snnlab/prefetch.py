"""Memory asked for before it is needed: rows of entities and of synapses lie where no processor would guess."""

from llvmlite import ir
from numba import types
from numba.core.cgutils import get_or_insert_function, unpack_tuple
from numba.extending import intrinsic

from snnlab.kernels import inlined

__all__ = ["PIECE", "ahead", "fetch", "fetch_piece"]

# ruff: noqa: ANN001, ANN201, ANN202, ARG001 - the types of a kernel are those it is compiled for
# mypy: disable-error-code="no-untyped-def, no-untyped-call"

PIECE = 64
"""Elements that are asked for at once: as many as a loop should work on meanwhile."""
_EVENTS = 24
"""So many before its own an event's rows are asked for: it takes as long until they are here."""
_LINE = 64
_WRITE, _READ, _KEEP, _DATA = 1, 0, 3, 1


def _ask(builder, purpose: int, place) -> None:
    """Ask for the line of memory with a byte; one that is to be written is taken from the other processors."""
    byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
    prefetch = get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    builder.call(prefetch, [builder.inttoptr(place, byte), *map(number, (purpose, _KEEP, _DATA))])


def _placed(context, builder, signature, arguments):
    """Of an array, where its element begins and how far it is to the next, in bytes."""
    held, whole = context.make_array(signature.args[0])(context, builder, arguments[0]), ir.IntType(64)
    stride = unpack_tuple(builder, held.strides)[0]
    return builder.add(builder.ptrtoint(held.data, whole), builder.mul(arguments[1], stride)), stride


@intrinsic
def fetch(typingctx, array, at):
    """Bring ``array[at]`` near, to write it: the line of memory with an element, or the first and last one of a row.

    Nothing happens where there is no such place.
    """

    def generate(context, builder, signature, arguments):
        first, stride = _placed(context, builder, signature, arguments)
        last = builder.sub(builder.add(first, stride), ir.IntType(64)(1))
        for place in (first, last) if signature.args[0].ndim > 1 else (first,):
            _ask(builder, _WRITE, place)
        return context.get_dummy_value()

    return types.void(array, types.int64), generate


@intrinsic
def fetch_piece(typingctx, array, at):
    """Bring the ``PIECE`` elements from ``array[at]`` on near, to read them; ``array`` is flat.

    Which lines that takes is known when it is compiled: a loop over them would cost as much as a part of the work.
    """

    def generate(context, builder, signature, arguments):
        first, _ = _placed(context, builder, signature, arguments)
        for byte in range(0, PIECE * signature.args[0].dtype.bitwidth // 8, _LINE):
            _ask(builder, _READ, builder.add(first, ir.IntType(64)(byte)))
        return context.get_dummy_value()

    return types.void(array, types.int64), generate


@inlined
def ahead(array, rows, t):
    """Bring near what an event some way after ``t`` will read or write: the row of ``array`` that is its entity's."""
    fetch(array, rows[min(t + _EVENTS, rows.size - 1)])
