"""Memory asked for before it is needed: a row of synapses that comes next lies where no processor would guess."""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = ["fetch"]

# ruff: noqa: ANN001, ANN201, ANN202, ARG001 - the types of a kernel are those it is compiled for
# mypy: disable-error-code="no-untyped-def"

_READ, _KEEP, _DATA = 0, 3, 1


@intrinsic
def fetch(typingctx, array, at):
    """Bring the line of memory with element ``at`` of a flat array near; past its end nothing happens."""

    def generate(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        prefetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        place = builder.bitcast(builder.gep(data, [arguments[1]]), byte)
        builder.call(prefetch, [place, *(ir.Constant(number, one) for one in (_READ, _KEEP, _DATA))])
        return context.get_dummy_value()

    return types.void(array, types.int64), generate
