"""What the spikes of a tick bring to their targets: one compiled loop for each way that rows of synapses are held.

- **rows**: targets and float weights, added one by one.
- **levels**: targets and int8 levels, added as integers in 16 bits and scaled once a neuron.
- **masks**: a bit for each possible target and packed int8 levels; 64 targets at a time, eight rows at a time, through
  AVX-512's byte expansion (``vpexpandb``). It needs VBMI2, and rows that are not too sparse.

The last two add the same integers, so they bring the same to the last bit. 256 rows of levels of at most 127 fit 16
bits (32,512), so an accumulator is emptied after each 256 rows and cannot overflow.
"""

from functools import cache

import numpy as np
from jaxtyping import Integer, UInt64
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from snnlab.kernels import OPTIONS, inlined, instructions, part
from snnlab.prefetch import PIECE, fetch_piece

__all__ = ["DENSE_ENOUGH", "LANES", "deliver", "expands", "masks_of"]

# ruff: noqa: ANN001, ANN201, ANN202, ARG001 - the types of a kernel are those it is compiled for
# mypy: disable-error-code="no-untyped-def"

LANES = 64
"""Targets that one expansion serves."""
DENSE_ENOUGH = 0.05
"""Connectivity from which expanding 64 targets costs less than adding the few synapses among them one by one."""
_ROWS = 8
_FULL = 256


@cache
def expands() -> bool:
    """Whether kernels are compiled for a processor that expands bytes under a mask (AVX-512 VBMI2)."""
    return {"avx512f", "avx512bw", "avx512vbmi2"} <= instructions()


@njit(cache=True)
def _set_bits(targets, masks):
    for i in range(targets.shape[0]):
        for k in range(targets.shape[1]):
            j = np.uint64(targets[i, k])
            masks[i, j >> np.uint64(6)] |= np.uint64(1) << (j & np.uint64(63))


def masks_of(targets: Integer[np.ndarray, "i k"], neurons: int) -> UInt64[np.ndarray, "i c"]:
    """One bit for each neuron that a row reaches, 64 to a word.

    >>> masks_of(np.array([[0, 2, 65]], np.uint16), 70).tolist()
    [[5, 2]]
    """
    masks = np.zeros((len(targets), -(-neurons // LANES)), np.uint64)
    _set_bits(targets, masks)
    return masks


def deliver(addresses, weights, degree, scale, spikes, count, arriving, sums):
    """Add to ``arriving`` what the first ``count`` of ``spikes`` bring; ``sums`` is 16-bit scratch, zero between calls.

    ``addresses`` are targets or masks, a row a neuron; ``weights`` are flat, ``degree`` to a row.
    """
    raise NotImplementedError


@overload(deliver, jit_options=OPTIONS)
def _deliver(addresses, weights, degree, scale, spikes, count, arriving, sums):
    if weights.dtype != types.int8:
        return _by_rows
    return _by_masks if addresses.dtype == types.uint64 else _by_levels


@part
def _by_rows(addresses, weights, degree, scale, spikes, count, arriving, sums):
    for s in range(count):
        _add_row(addresses, weights, degree, spikes[s], spikes[min(s + 1, count - 1)], arriving)


@part
def _by_levels(addresses, weights, degree, scale, spikes, count, arriving, sums):
    for begin in range(0, count, _FULL):
        for s in range(begin, min(begin + _FULL, count)):
            _add_row(addresses, weights, degree, spikes[s], spikes[min(s + 1, count - 1)], sums)
        _empty(sums, scale, arriving)


@inlined
def _add_row(targets, weights, degree, source, following, total):
    """Add the synapses of one neuron, and bring those of the next one near meanwhile: no processor could guess them."""
    reached, brought = targets[source], weights[source * degree : (source + 1) * degree]
    flat, whole, after = targets.reshape(-1), degree - degree % PIECE, following * degree
    for first in range(0, whole, PIECE):
        fetch_piece(flat, after + first)
        fetch_piece(weights, after + first)
        for k in range(first, first + PIECE):  # of a length that is known when it is compiled: a third faster
            total[reached[k]] += brought[k]
    for k in range(whole, degree):
        total[reached[k]] += brought[k]


@part
def _by_masks(addresses, weights, degree, scale, spikes, count, arriving, sums):
    words = addresses.shape[1]
    masks = addresses.reshape(-1)
    for begin in range(0, count, _FULL):
        end = min(begin + _FULL, count)
        s = begin
        while s + _ROWS <= end:
            a, b, c, d = spikes[s], spikes[s + 1], spikes[s + 2], spikes[s + 3]
            e, f, g, h = spikes[s + 4], spikes[s + 5], spikes[s + 6], spikes[s + 7]
            at = (a * degree, b * degree, c * degree, d * degree, e * degree, f * degree, g * degree, h * degree)
            m = (a * words, b * words, c * words, d * words, e * words, f * words, g * words, h * words)
            for word in range(words):
                at = _expand_eight(masks, weights, at, m, word, sums)
            s += _ROWS
        while s < end:
            one, of = (spikes[s] * degree,), (spikes[s] * words,)
            for word in range(words):
                one = _expand_one(masks, weights, one, of, word, sums)
            s += 1
        _empty(sums, scale, arriving)


@part
def _empty(sums, scale, arriving):
    for j in range(arriving.size):
        arriving[j] += scale * arriving.dtype.type(sums[j])
        sums[j] = 0


def _expansion(rows: int):
    """An intrinsic that adds the next word of each of ``rows`` rows and returns where their next levels lie."""
    byte, short, long, bit = (ir.IntType(width) for width in (8, 16, 64, 1))
    bytes_, shorts, bits = (ir.VectorType(kind, LANES) for kind in (byte, short, bit))

    @intrinsic
    def expand(typingctx, masks, levels, at, of, word, sums):
        signature = types.UniTuple(types.int64, rows)(masks, levels, at, of, word, sums)

        def generate(context, builder, signature, arguments):
            masks, levels, at, of, word, sums = arguments
            arrays = signature.args
            mask_data = context.make_array(arrays[0])(context, builder, masks).data
            level_data = context.make_array(arrays[1])(context, builder, levels).data
            sum_data = context.make_array(arrays[5])(context, builder, sums).data
            level_data = builder.bitcast(level_data, byte.as_pointer())
            lane = builder.mul(word, ir.Constant(long, LANES))
            place = builder.bitcast(builder.gep(sum_data, [lane]), shorts.as_pointer())
            total = builder.load(place)
            total.align = 2
            kind = ir.FunctionType(bytes_, [byte.as_pointer(), bits, bytes_])
            load = cgutils.get_or_insert_function(builder.module, kind, "llvm.masked.expandload.v64i8")
            kind = ir.FunctionType(long, [long])
            population = cgutils.get_or_insert_function(builder.module, kind, "llvm.ctpop.i64")
            following = []
            for row in range(rows):
                first = builder.extract_value(at, row)
                mask = builder.load(builder.gep(mask_data, [builder.add(builder.extract_value(of, row), word)]))
                chosen = builder.bitcast(mask, bits)
                zero = ir.Constant(bytes_, [0] * LANES)
                found = builder.call(load, [builder.gep(level_data, [first]), chosen, zero])
                total = builder.add(total, builder.sext(found, shorts))
                following.append(builder.add(first, builder.call(population, [mask])))
            builder.store(total, place).align = 2
            return context.make_tuple(builder, signature.return_type, following)

        return signature, generate

    return expand


_expand_eight = _expansion(_ROWS)
_expand_one = _expansion(1)
