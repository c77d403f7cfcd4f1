"""Marks: a byte a neuron, and the places of those that are set.

Most neurons are silent most of the time, so 64 marks are looked at in one go: a comparison of vectors, whose 64 answers
are the bits of one word, and then only the bits that are set.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.cpython.unsafe.numbers import trailing_zeros
from numba.extending import intrinsic

from snnlab.kernels import kernel
from snnlab.types import Array

__all__ = ["MARKS", "gather", "no_marks", "spiked_ago"]

# ruff: noqa: ANN001, ANN201, ANN202, ARG001 - the types of a kernel are those it is compiled for
# mypy: disable-error-code="no-untyped-def, no-untyped-call"

MARKS = 64
"""Marks that are looked at in one go: there are always a multiple of it."""


def no_marks(neurons: int) -> Array:
    """Room for a mark a neuron, none of them set.

    >>> no_marks(65).size
    128
    """
    return np.zeros(-(-neurons // MARKS) * MARKS, np.uint8)


@intrinsic
def _set_among(typingctx, marks, word):
    """Bit k of the answer tells whether mark ``64 word + k`` is set."""
    signature = types.uint64(marks, types.int64)

    def generate(context, builder, signature, arguments):
        byte = ir.VectorType(ir.IntType(8), MARKS)
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        at = builder.mul(arguments[1], ir.Constant(ir.IntType(64), MARKS))
        found = builder.load(builder.bitcast(builder.gep(data, [at]), byte.as_pointer()))
        found.align = 1
        return builder.bitcast(builder.icmp_unsigned("!=", found, ir.Constant(byte, [0] * MARKS)), ir.IntType(64))

    return signature, generate


@kernel
def gather(marks, out):
    """The places of the marks that are set, in order, into ``out``; returns how many there are."""
    count = 0
    for word in range(marks.size // MARKS):
        left = _set_among(marks, word)
        while left:
            out[count] = MARKS * word + np.int64(trailing_zeros(left))
            count += 1
            left &= left - np.uint64(1)
    return count


@kernel
def spiked_ago(age, ticks, marks, due):
    """The neurons whose last spike was so many ticks ago, into ``due``; returns how many there are."""
    wanted = np.uint16(ticks)
    for j in range(age.size):
        marks[j] = age[j] == wanted
    return gather(marks, due)
