"""Eight synapses of a row learn STDP at once: what a target holds for them lies side by side and comes as one vector.

A row that learns needs three numbers of each of its targets, wherever those lie. Held apart they are three reads a
synapse, each of a line of memory of its own; held as the first three of four they are one read, and eight of them are
turned (4 x 8 to 8 x 4) into the three vectors that the arithmetic takes. LLVM's vectors are of no processor: where
they are wider than its own they are taken in parts.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

__all__ = ["EIGHT", "QUAD", "grow_eight", "pair_eight"]

# ruff: noqa: ANN001, ANN201, ANN202, ARG001 - the types of a kernel are those it is compiled for
# mypy: disable-error-code="no-untyped-def, no-untyped-call"

EIGHT = 8
"""Synapses that learn at once."""
QUAD = 4
"""Numbers that lie side by side of a target, the last of which is not used."""

_LONG, _SHORT = ir.IntType(64), ir.IntType(32)
_LOW, _HIGH = [0, 8, 1, 9, 4, 12, 5, 13], [2, 10, 3, 11, 6, 14, 7, 15]
"""Of two vectors of two quads each: the first two numbers of each quad in turn, and the last two."""
_FIRST, _SECOND = [0, 1, 8, 9, 4, 5, 12, 13], [2, 3, 10, 11, 6, 7, 14, 15]
"""Of two vectors of such pairs: the first number of all quads, and the second."""


class _Lanes:
    """What an intrinsic's arguments are in LLVM's terms, and steps on vectors of eight."""

    def __init__(self, context, builder, signature, arguments) -> None:
        self.builder, self.arguments = builder, arguments
        self.real = context.get_value_type(signature.args[0].dtype)
        self.bytes = signature.args[0].dtype.bitwidth // 8
        self.vector = ir.VectorType(self.real, EIGHT)
        self.data = [
            context.make_array(kind)(context, builder, given).data if isinstance(kind, types.Array) else None
            for kind, given in zip(signature.args, arguments, strict=True)
        ]

    def place(self, array: int, at):
        """Where the element ``at`` of an argument lies."""
        return self.builder.gep(self.data[array], [at])

    def load(self, place, kind):
        """A vector from anywhere that an element may lie."""
        found = self.builder.load(self.builder.bitcast(place, kind.as_pointer()))
        found.align = self.bytes
        return found

    def store(self, vector, place) -> None:
        """Write a vector to anywhere that an element may lie."""
        self.builder.store(vector, self.builder.bitcast(place, vector.type.as_pointer())).align = self.bytes

    def shuffle(self, first, second, chosen: list[int]):
        """Elements of two vectors, as if they were one."""
        mask = ir.Constant(ir.VectorType(_SHORT, len(chosen)), chosen)
        return self.builder.shuffle_vector(first, second, mask)

    def splat(self, argument: int):
        """A vector of one number."""
        none = ir.Constant(self.vector, ir.Undefined)
        one = self.builder.insert_element(none, self.arguments[argument], ir.Constant(_SHORT, 0))
        return self.shuffle(one, none, [0] * EIGHT)

    def lesser(self, one, other, order: str):
        """The one that comes first in an order, of each pair."""
        return self.builder.select(self.builder.fcmp_ordered(order, one, other), one, other)

    def targets(self, array: int, at):
        """The eight targets that begin there, as numbers of 64 bits."""
        lanes = (self.builder.add(at, ir.Constant(_LONG, lane)) for lane in range(EIGHT))
        return [self.builder.zext(self.builder.load(self.place(array, lane)), _LONG) for lane in lanes]

    def held(self, array: int, first, targets):
        """The first three numbers of each target's quad, as three vectors."""
        four, begin = ir.VectorType(self.real, QUAD), self.place(array, first)
        places = (self.builder.gep(begin, [self.builder.mul(j, ir.Constant(_LONG, QUAD))]) for j in targets)
        quads = [self.load(place, four) for place in places]
        a, b, c, d = (self.shuffle(quads[lane], quads[lane + 4], list(range(EIGHT))) for lane in range(4))
        low = self.shuffle(a, b, _LOW), self.shuffle(c, d, _LOW)
        high = self.shuffle(a, b, _HIGH), self.shuffle(c, d, _HIGH)
        return self.shuffle(*low, _FIRST), self.shuffle(*low, _SECOND), self.shuffle(*high, _FIRST)


def _grown(lanes: _Lanes, total, own):
    """The weights of eight synapses with what their targets' spikes have added; arguments 5 and 6 of an intrinsic."""
    builder = lanes.builder
    grown = builder.fadd(lanes.load(own, lanes.vector), builder.fmul(lanes.splat(5), total))
    return lanes.lesser(grown, lanes.splat(6), "<")


@intrinsic
def grow_eight(typingctx, near, first, reached, own, k, x, w_max):
    """Add to eight weights from ``own[k]`` on what spikes of their targets are worth: ``x`` times their sum."""

    def generate(context, builder, signature, arguments):
        lanes = _Lanes(context, builder, signature, arguments)
        own = lanes.place(3, arguments[4])
        total, _, _ = lanes.held(0, arguments[1], lanes.targets(2, arguments[4]))
        lanes.store(_grown(lanes, total, own), own)
        return context.get_dummy_value()

    return types.void(near, types.int64, reached, own, types.int64, x, w_max), generate


@intrinsic
def pair_eight(typingctx, near, first, reached, own, k, x, w_max, faded, x_now, arriving):
    """Learn eight synapses, from ``own[k]`` on, of a row that spikes, and add what they bring.

    ``near[first + 4 j]`` on holds of target j the sum that pairs with the row's last spike, the one that will pair with
    this spike, and what a spike takes once it is multiplied by ``faded``.
    """

    def generate(context, builder, signature, arguments):
        lanes = _Lanes(context, builder, signature, arguments)
        own, targets = lanes.place(3, arguments[4]), lanes.targets(2, arguments[4])
        total, current, fading = lanes.held(0, arguments[1], targets)
        left = builder.fsub(_grown(lanes, total, own), builder.fmul(lanes.splat(7), fading))
        left = lanes.lesser(left, ir.Constant(lanes.vector, [0.0] * EIGHT), ">")
        lanes.store(builder.fsub(left, builder.fmul(lanes.splat(8), current)), own)
        for lane, j in enumerate(targets):
            place = lanes.place(9, j)
            brought = builder.extract_element(left, ir.Constant(_SHORT, lane))
            builder.store(builder.fadd(builder.load(place), brought), place)
        return context.get_dummy_value()

    return types.void(near, types.int64, reached, own, types.int64, x, w_max, faded, x_now, arriving), generate
