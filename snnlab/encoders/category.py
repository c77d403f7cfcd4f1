"""Category code: a word as a few neurons that its hash picks."""

from typing import ClassVar

import numpy as np
from jaxtyping import Float64
from numba import njit
from pydantic import Field

from snnlab.encoders.base import Encoder, Spikes, finite
from snnlab.kernels import inlined
from snnlab.types import Array, Arrays

__all__ = ["Category", "hash_spikes", "lay_hash"]


class Category(Encoder):
    """Hashed symbols: each word fires ``active`` of ``neurons`` neurons, always the same ones.

    The values are symbols, such as the ``category`` aggregate gives (31-bit hashes of words); any finite number is a
    symbol, and equal numbers have equal codes. It learns nothing, so an open vocabulary costs nothing; two words share
    their ``symbol`` with a chance of 1 in ``neurons``, and their whole code with about 1 in neurons^active.

    Args:
        neurons: number of neurons.
        active: neurons that fire for one word (fewer where two hashes meet).

    Source: Weinberger et al., Feature hashing for large scale multitask learning, 2009, with several hashes as in a
    Bloom filter.

    >>> code = Category(neurons=16, active=2)
    >>> code.encode(np.array([7.0, 8.0, 7.0]), {}).address.tolist()
    [[15, 12], [11, 1], [15, 12]]
    """

    kind: ClassVar[str] = "category"

    neurons: int = Field(default=64, ge=2, le=65_536)
    active: int = Field(default=3, ge=1, le=16)

    @property
    def width(self) -> int:
        """One neuron a hash value."""
        return self.neurons

    def fresh(self) -> Arrays:
        """Nothing is learnt."""
        return {}

    def encode(
        self, values: Float64[np.ndarray, " n"], learnt: Arrays, *, learn: bool = True, ticks: int = 1
    ) -> Spikes:
        """Spikes of ``n`` symbols in tick 0, ``active`` each or fewer. Raises EventError on what is not finite."""
        del learnt, learn, ticks
        bits = (finite(values) + 0.0).view(np.uint64)  # + 0.0 makes one zero of two
        return Spikes(*hash_spikes(bits, self.neurons, self.active))


@njit(cache=True, nogil=True)
def hash_spikes(bits: Array, neurons: int, active: int) -> tuple[Array, Array, Array]:
    """Address and tick [n, active] and the first address [n], for symbols as 64 bits.

    Steele, Lea and Flood's SplitMix64 (2014): the k-th number that a generator seeded with the symbol draws.
    """
    n = bits.shape[0]
    address = np.empty((n, active), dtype=np.int32)
    symbol = np.empty(n, dtype=np.int32)
    for i in range(n):
        symbol[i] = lay_hash(bits[i], neurons, active, address, i, 0)
    return address, np.zeros((n, active), dtype=np.int32), symbol


@inlined
def lay_hash(state, neurons, active, address, row, seat):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - inlined
    """The addresses of one symbol, from ``seat`` of a row on; returns the first."""
    for k in range(active):
        state = np.uint64(state + np.uint64(0x9E3779B97F4A7C15))
        h = np.uint64((state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9))
        h = np.uint64((h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB))
        h = np.uint64(h ^ (h >> np.uint64(31)))
        at = np.int32((h >> np.uint64(32)) * np.uint64(neurons) >> np.uint64(32))
        address[row, seat + k] = at
        for before in range(k):
            if address[row, seat + before] == at:
                address[row, seat + k] = -1
    return address[row, seat]
