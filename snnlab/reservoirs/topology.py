"""Who reaches whom: random rows of fixed out-degree, excitatory and inhibitory signs, and their spectral radius.

A row holds the targets of one source, sorted, without repeats and (among neurons) without itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int8, Int64, Integer
from numba import njit

from snnlab.errors import ConfigError

__all__ = ["Drawn", "address_type", "by_target", "draw_rows", "recurrent_weights", "signs", "spectral_radius"]

_CHUNK_ELEMENTS = 4_000_000
_LISTED = 2**28
"""Pairs of source and neuron up to which a row's targets are drawn as the least of a key for each neuron."""
_KRYLOV = 100
_LARGE = 2_000_000
"""Synapses above which 40 Krylov vectors must do: the rim of a larger random matrix is sharper."""


def address_type(n_neurons: int) -> type[np.uint16] | type[np.int32]:
    """The narrowest address that reaches every neuron.

    >>> address_type(10_000).__name__, address_type(100_000).__name__
    ('uint16', 'int32')
    """
    return np.uint16 if n_neurons <= 2**16 else np.int32


def draw_rows(
    rng: np.random.Generator, sources: int, neurons: int, degree: int, *, recurrent: bool
) -> Integer[np.ndarray, "s k"]:
    """``degree`` sorted distinct targets for each source; a recurrent source never reaches itself.

    >>> draw_rows(np.random.default_rng(0), 3, 3, 2, recurrent=True).tolist()
    [[1, 2], [0, 2], [0, 1]]
    """
    room = neurons - 1 if recurrent else neurons
    if not 1 <= degree <= room:
        raise ConfigError(f"{degree} targets a source among {room} neurons; give between 1 and {room}")
    rows = np.empty((sources, degree), address_type(neurons))
    thrown = sources * room > _LISTED and 4 * degree <= room
    step = max(1, _CHUNK_ELEMENTS // (degree if thrown else room))
    for first in range(0, sources, step):
        last = min(first + step, sources)
        if thrown:
            picked = _thrown(rng, last - first, room, degree)
        else:
            picked = _least(rng.random((last - first, room), dtype=np.float32), degree)
        if recurrent:
            picked += picked >= np.arange(first, last)[:, None]
        rows[first:last] = picked
    return rows


def _least(keys: Float32[np.ndarray, "s r"], degree: int) -> Int64[np.ndarray, "s k"]:
    """Places of the ``degree`` least keys of each row, in order; of equal keys the first.

    Ties are broken here since ``argpartition`` breaks them as the processor's vectors fall: in 10,000 rows of 10,000
    keys of 24 bits there are some, and a saved model rebuilds its network on another processor.

    >>> _least(np.array([[0.5, 0.25, 0.5, 0.5]], np.float32), 2).tolist()
    [[0, 1]]
    """
    border = np.partition(keys, degree - 1, axis=1)[:, degree - 1 : degree]
    chosen = keys <= border
    for row in np.flatnonzero(chosen.sum(axis=1) > degree):
        equal = np.flatnonzero(keys[row] == border[row])
        chosen[row, equal[degree - int((keys[row] < border[row]).sum()) :]] = False
    return np.nonzero(chosen)[1].reshape(len(keys), degree)


def _thrown(rng: np.random.Generator, sources: int, room: int, degree: int) -> Int64[np.ndarray, "s k"]:
    """``degree`` distinct places of ``room`` for each source, in order: what comes twice is thrown again.

    Every set is as likely as any other, as one of places drawn one by one where those that are there are passed over.

    >>> _thrown(np.random.default_rng(0), 2, 6, 4).tolist()
    [[1, 3, 4, 5], [0, 1, 3, 4]]
    """
    picked = np.sort(rng.integers(room, size=(sources, degree)), axis=1)
    while True:
        row, place = np.nonzero(picked[:, 1:] == picked[:, :-1])
        if not row.size:
            return picked
        picked[row, place + 1] = rng.integers(room, size=row.size)
        touched = np.unique(row)
        picked[touched] = np.sort(picked[touched], axis=1)


def signs(rng: np.random.Generator, neurons: int, excitatory: float) -> Int8[np.ndarray, " i"]:
    """+1 for excitatory neurons and -1 for inhibitory ones, at random places (Dale's principle).

    >>> int(signs(np.random.default_rng(0), 10, 0.8).sum())
    6
    """
    sign = np.full(neurons, -1, np.int8)
    sign[rng.permutation(neurons)[: round(excitatory * neurons)]] = 1
    return sign


def recurrent_weights(
    rng: np.random.Generator,
    targets: Integer[np.ndarray, "i k"],
    sign: Int8[np.ndarray, " i"],
    radius: float,
    gain: float,
) -> "Drawn":
    """Signed weights whose effective linear matrix has the given spectral radius.

    Magnitudes are uniform in [0.5, 1.5) of their mean; inhibitory ones are larger by the ratio of excitatory to
    inhibitory neurons, so that the mean input is balanced (van Vreeswijk & Sompolinsky 1996) and the radius belongs
    to the echoes, not to the mean. ``gain`` turns a weight into its effective linear weight (see
    :func:`snnlab.reservoirs.neurons.charge`): what is scaled is ``rho(gain * W)``, the number of spikes that one
    spike would cause along the leading mode if membranes did not leak. Below 1 every echo dies out.
    """
    unscaled = Drawn(rng.bit_generator.state, sign, targets.shape[1], 1.0)
    weights = _signed(rng, sign, targets.shape[1])
    found = spectral_radius(targets, weights) if radius > 0 else 0.0
    factor = 0.0 if radius == 0 else radius / (found * gain) if found > 0 else 1.0
    return replace(unscaled, factor=factor)


@dataclass(frozen=True, eq=False)
class Drawn:
    """Random weights that are drawn anew from where their generator stood whenever they are asked for, and not held.

    What learns starts from a copy of its own, so that the first weights would lie idle: four bytes a synapse.
    """

    state: Mapping[str, Any]
    """Of the bit generator, before the first weight."""
    sign: Int8[np.ndarray, " i"]
    degree: int
    factor: float

    def array(self) -> Float64[np.ndarray, "i k"]:
        """The weights, always the same.

        >>> sign = np.array([1, 1, -1], np.int8)
        >>> Drawn(np.random.default_rng(0).bit_generator.state, sign, 1, 2.0).array().round(2).tolist()
        [[2.27], [1.54], [-2.16]]
        """
        rng = np.random.default_rng()
        rng.bit_generator.state = self.state
        weights: Float64[np.ndarray, "i k"] = _signed(rng, self.sign, self.degree) * self.factor
        return weights


def _signed(rng: np.random.Generator, sign: Int8[np.ndarray, " i"], degree: int) -> Float64[np.ndarray, "i k"]:
    inhibitory = int((sign < 0).sum())
    balance = (sign.size - inhibitory) / inhibitory if inhibitory else 1.0
    weights: Float64[np.ndarray, "i k"] = rng.uniform(0.5, 1.5, (sign.size, degree))
    weights *= np.where(sign > 0, 1.0, -balance)[:, None]
    return weights


def by_target(
    targets: Integer[np.ndarray, "i k"], chosen: Bool[np.ndarray, "i k"]
) -> tuple[Int64[np.ndarray, " i+1"], Integer[np.ndarray, " s"], Integer[np.ndarray, " s"]]:
    """The chosen synapses by target: where each target's begin, and the source and the place in its row of each.

    >>> [array.tolist() for array in by_target(np.array([[1, 2], [0, 2], [0, 1]]), np.ones((3, 2), bool))]
    [[0, 2, 4, 6], [1, 2, 0, 2, 0, 1], [0, 0, 0, 1, 1, 1]]
    """
    n, k = targets.shape
    ptr = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(targets[chosen], minlength=n), out=ptr[1:])
    source, slot = np.empty(ptr[-1], address_type(n)), np.empty(ptr[-1], address_type(k))
    _sort_by_target(targets, chosen, ptr[:-1].copy(), source, slot)
    return ptr, source, slot


@njit(cache=True)
def _sort_by_target(targets, chosen, place, source, slot):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    for i in range(targets.shape[0]):
        for k in range(targets.shape[1]):
            if chosen[i, k]:
                j = targets[i, k]
                source[place[j]], slot[place[j]] = i, k
                place[j] += 1


def spectral_radius(targets: Integer[np.ndarray, "i k"], weights: Float[np.ndarray, "i k"]) -> float:
    """Largest absolute eigenvalue of the sparse matrix, by Arnoldi's iteration (1951) over up to 100 Krylov vectors.

    Exact up to 100 neurons; above, within about one per cent for the dense rims of random matrices.
    Power iteration would not settle: the leading eigenvalues of a random matrix are complex pairs.

    >>> spectral_radius(np.array([[1], [0]]), np.array([[2.0], [0.5]]))
    1.0
    """
    n = targets.shape[0]
    steps = min(n, _KRYLOV if weights.size <= _LARGE else 40)
    basis = np.zeros((steps + 1, n))
    hessenberg = np.zeros((steps + 1, steps))
    start = np.random.default_rng(0).standard_normal(n)
    basis[0] = start / np.linalg.norm(start)
    for s in range(steps):
        image = _image(targets, weights, basis[s])
        size = float(np.linalg.norm(image))
        for _ in range(2):
            overlap = basis[: s + 1] @ image
            image -= overlap @ basis[: s + 1]
            hessenberg[: s + 1, s] += overlap
        rest = float(np.linalg.norm(image))
        if rest <= 1e-12 * max(size, sqrt(np.finfo(float).tiny)):
            steps = s + 1
            break
        hessenberg[s + 1, s] = rest
        basis[s + 1] = image / rest
    return round(float(np.abs(np.linalg.eigvals(hessenberg[:steps, :steps])).max()), 12)


@njit(cache=True, nogil=True)
def _image(targets, weights, vector):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    image = np.zeros(vector.size)
    for i in range(targets.shape[0]):
        for k in range(targets.shape[1]):
            image[i] += weights[i, k] * vector[targets[i, k]]
    return image
