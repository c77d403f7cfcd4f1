import numpy as np
import pytest
from numba import njit

from snnlab.prefetch import PIECE, fetch, fetch_piece


@njit
def asked(array, at):
    fetch(array, at)
    fetch_piece(array.reshape(-1), at)


@pytest.mark.parametrize("kind", [np.int8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("at", [0, 63, 2**40, -(2**40)])
def test_to_ask_changes_nothing_even_where_there_is_no_such_place(kind, at):
    array = np.arange(PIECE, dtype=kind)
    asked(array, at)
    assert array.tolist() == list(range(PIECE))


@njit
def piece(array, at):
    fetch_piece(array, at)


@pytest.mark.parametrize(("kind", "lines"), [(np.int8, 1), (np.uint16, 2), (np.float32, 4), (np.float64, 8)])
def test_a_piece_is_asked_for_line_by_line(kind, lines):
    array = np.zeros(PIECE, kind)
    piece(array, 0)
    code = piece.inspect_llvm(piece.nopython_signatures[-1].args)
    asked_for = code.count("call void @llvm.prefetch")
    assert asked_for in (lines, 2 * lines)  # twice where it is also a part of what Python calls
