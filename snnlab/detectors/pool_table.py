"""Which state row each name has: a table of hashes and the order of being seen, compiled.

Names are told apart by 128 bits of hash, so that no string is made of a name that is already known. Rows hang on a
doubly linked list, the one seen longest ago first.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from snnlab.kernels import inlined, kernel
from snnlab.prefetch import fetch
from snnlab.types import Array

__all__ = ["PoolTable", "place", "remember", "seen", "take_over", "touched_rows"]

# ruff: noqa: ANN001, ANN201, ANN202 - the types of a kernel are those it is compiled for
# mypy: disable-error-code="no-untyped-def, no-untyped-call"

_OLDEST, _NEWEST, _USED = range(3)
_BLOCK = 16  # names that are looked up at once, so that they wait for memory together


class PoolTable(NamedTuple):
    """``slots`` [s] hold rows by hash (-1: none), s a power of two and more than the rows; the others are by row."""

    slots: Array
    digests: Array
    """The two halves of a name's hash."""
    older: Array
    newer: Array
    ends: Array
    """The row seen longest ago, the one seen last, and how many there are."""
    touched: Array
    """Which rows were seen since it was last asked: always the newest ones."""
    coming: Array
    """The hashes of the names that are looked up next."""

    @classmethod
    def empty(cls, capacity: int) -> "PoolTable":
        """A table with room for so many rows."""
        slots = 1 << max(int(2 * capacity - 1).bit_length(), 4)
        links = np.full((2, capacity), -1, np.int32)
        ends = np.array([-1, -1, 0], np.int64)
        touched = np.zeros(capacity, np.uint8)
        digests, coming = np.zeros((capacity, 2), np.uint64), np.zeros((_BLOCK, 2), np.uint64)
        return cls(np.full(slots, -1, np.int32), digests, links[0], links[1], ends, touched, coming)


@inlined
def _digest(data, start, stop):
    """Two hashes of bytes: FNV-1a, and a multiply-shift of it; both finished by splitmix64."""
    a, b = np.uint64(0xCBF29CE484222325), np.uint64(stop - start)
    for at in range(start, stop):
        byte = np.uint64(data[at])
        a = (a ^ byte) * np.uint64(0x100000001B3)
        b = (b + byte + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        b ^= b >> np.uint64(29)
    return _finished(a), _finished(b)


@inlined
def _finished(z):
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@inlined
def _find(slots, digests, a, b):
    """The row of a hash, or -1, and the slot where it is or would be."""
    mask = np.uint64(slots.size - 1)
    slot = a & mask
    while slots[slot] >= 0:
        row = slots[slot]
        if digests[row, 0] == a and digests[row, 1] == b:
            return np.int64(row), slot
        slot = (slot + np.uint64(1)) & mask
    return np.int64(-1), slot


@inlined
def _append(table, row):
    newest = table.ends[_NEWEST]
    table.older[row], table.newer[row] = newest, -1
    if newest >= 0:
        table.newer[newest] = row
    else:
        table.ends[_OLDEST] = row
    table.ends[_NEWEST] = row


@inlined
def _unlink(table, row):
    before, after = table.older[row], table.newer[row]
    if before >= 0:
        table.newer[before] = after
    else:
        table.ends[_OLDEST] = after
    if after >= 0:
        table.older[after] = before
    else:
        table.ends[_NEWEST] = before


@inlined
def _renew(table, row):
    """A row that was seen just now is the newest."""
    if table.ends[_NEWEST] != row:
        _unlink(table, row)
        _append(table, row)


@kernel
def _drop(slots, digests, row):
    """Take a row's hash out; what was pushed past its slot moves back, so that no gap hides it."""
    mask = np.uint64(slots.size - 1)
    _, hole = _find(slots, digests, digests[row, 0], digests[row, 1])
    slot = hole
    while True:
        slot = (slot + np.uint64(1)) & mask
        if slots[slot] < 0:
            break
        home = digests[slots[slot], 0] & mask
        if ((slot - home) & mask) >= ((slot - hole) & mask):
            slots[hole] = slots[slot]
            hole = slot
    slots[hole] = -1


@kernel
def remember(table, row, codes, offsets, data):
    """Let a row, which must be the next that is free, be that of the first of these names."""
    a, b = _digest(data, offsets[codes[0]], offsets[codes[0] + 1])
    _, slot = _find(table.slots, table.digests, a, b)
    table.slots[slot] = row
    table.digests[row, 0], table.digests[row, 1] = a, b
    _append(table, row)
    table.ends[_USED] += 1


@kernel
def _foresee(table, codes, offsets, data, start, stop):
    """Hash a block of names, and ask for all memory that their rows are found in and renewed."""
    mask = np.uint64(table.slots.size - 1)
    for i in range(start, stop):
        a, b = _digest(data, offsets[codes[i]], offsets[codes[i] + 1])
        table.coming[i - start, 0], table.coming[i - start, 1] = a, b
        fetch(table.slots, np.int64(a & mask))
    for k in range(stop - start):
        row = table.slots[table.coming[k, 0] & mask]
        fetch(table.digests, row)
        fetch(table.older, row)
        fetch(table.newer, row)
        fetch(table.touched, row)
    for k in range(stop - start):
        row = table.slots[table.coming[k, 0] & mask]
        if row >= 0:
            fetch(table.newer, table.older[row])
            fetch(table.older, table.newer[row])


@kernel
def place(table, codes, offsets, data, limit, start, rows, fresh):
    """Rows of events from ``start`` on, until a row would have to change hands.

    Returns where it stopped and how many names are new; ``fresh`` lists the events that brought them. The table must
    have room for all of them, up to ``limit``.
    """
    found = 0
    for i in range(start, codes.size):
        k = (i - start) % _BLOCK
        if k == 0:
            _foresee(table, codes, offsets, data, i, min(i + _BLOCK, codes.size))
        a, b = table.coming[k, 0], table.coming[k, 1]
        row, slot = _find(table.slots, table.digests, a, b)
        if row < 0:
            row = table.ends[_USED]
            if row >= limit:
                return i, found
            table.ends[_USED] = row + 1
            table.slots[slot] = row
            table.digests[row, 0], table.digests[row, 1] = a, b
            _append(table, row)
            fresh[found] = i
            found += 1
        else:
            _renew(table, row)
        table.touched[row] = 1
        rows[i] = row
    return codes.size, found


@njit(cache=True, nogil=True)
def seen(frame, size):
    """The row of the name that the first bytes of a frame's scratch are, which was seen just now; -1 where none is."""
    table = frame.arrays
    a, b = _digest(frame.scratch, 0, size)
    row, _ = _find(table.slots, table.digests, a, b)
    if row >= 0:
        _renew(table, row)
        table.touched[row] = 1
    return row


@kernel
def take_over(table, codes, offsets, data, i):
    """Give the name of event i, which has none, the row of the one seen longest ago; returns it."""
    row = table.ends[_OLDEST]
    _drop(table.slots, table.digests, row)
    _unlink(table, row)
    a, b = _digest(data, offsets[codes[i]], offsets[codes[i] + 1])
    _, slot = _find(table.slots, table.digests, a, b)
    table.slots[slot] = row
    table.digests[row, 0], table.digests[row, 1] = a, b
    _append(table, row)
    table.touched[row] = 1
    return row


@kernel
def touched_rows(table, out, clear):
    """How many rows were seen since they were last cleared; ``clear`` them, and list them, the one seen last first."""
    found, row = 0, table.ends[_NEWEST]
    while row >= 0 and table.touched[row]:
        if clear:
            out[found] = row
            table.touched[row] = 0
        row = table.older[row]
        found += 1
    return found
