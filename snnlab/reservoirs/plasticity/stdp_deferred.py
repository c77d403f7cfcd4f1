"""STDP deferred: a row of weights is touched only when its own neuron spikes, and is then brought up to date at once.

Between two spikes of neuron i, potentiation of the synapse to j sums ``A exp(-(t_post - t_i) / tau)`` over the spikes
of j since ``t_i``. With ``C_j`` the running sum of ``exp(-(t_post - t_0) / tau)`` that is ``x_i (C_j(now) - C_j(t_i))``
with ``x_i = A exp((t_i - t_0) / tau)``: two numbers a synapse instead of a random write for each pair. Nothing weakens
a synapse in between, so that one bound at the end is the bound of each step. Origins ``t_0`` roll on in epochs, lest
the exponentials outgrow the type; a row that has been silent for all the epochs kept is brought up to date and rests.

It does what :mod:`.stdp` does for one entity at a time, to the rounding of the sums: within 5e-6 of ``w_max`` in
float32, where the pairwise form rounds at each pair (Morrison, Diesmann & Gerstner 2008 tell the pairing).
"""

from math import ceil, exp
from typing import NamedTuple

import numpy as np

from snnlab.kernels import inlined, kernel
from snnlab.prefetch import fetch
from snnlab.types import Array

__all__ = ["Deferral", "bring_all", "pair_rows", "roll"]

# ruff: noqa: ANN001, ANN201, ANN202 - the types of a kernel are those it is compiled for
# mypy: disable-error-code="no-untyped-def"

_EPOCHS = 10
_EPOCH = 1.6
"""Time constants of an epoch: within it exponentials grow fivefold; ten of them forget all but 3e-7 of a pair."""
_GONE = -(2**62)
_PIECE = 64
"""Synapses of a row that are learnt while as many of the next one are fetched."""


class Deferral(NamedTuple):
    """What one run of one entity defers."""

    sums: Array
    """[epochs, i]: spikes of each neuron, decayed from each epoch's origin."""
    since: Array
    """[i, k]: the sum of its target's at the last spike of each synapse's source; not read before the first."""
    last: Array
    """Tick of each neuron's last spike, from the first of the run; negative before it."""
    tau: float
    """Ticks."""
    length: int
    """Ticks of an epoch."""

    @classmethod
    def of(cls, potentiation: Array, age: Array, degree: int, tau: float) -> "Deferral":
        """Nothing deferred yet, for an entity whose neurons spiked so many ticks ago."""
        before = -1 - age.astype(np.int64)  # the first tick of a run finds ages one older
        before[age >= potentiation.size - 1] = _GONE
        n, real = age.size, potentiation.dtype
        return cls(np.zeros((_EPOCHS, n), real), np.empty((n, degree), real), before, tau, ceil(_EPOCH * tau))


@kernel
def roll(deferral, t, weights, rise, w_max, excitatory, targets):
    """Begin an epoch where tick ``t`` is its first; rows that wait since the epoch that it replaces rest."""
    sums, _, last, _, length = deferral
    if t % length:
        return
    epochs, epoch = sums.shape[0], t // length
    if epoch >= epochs:
        first = (epoch - epochs) * length
        for i in range(last.size):
            if last[i] != _GONE and last[i] < first + length:
                if excitatory[i]:
                    _bring(deferral, i, weights, rise, w_max, targets)
                last[i] = _GONE
    sums[epoch % epochs, :] = 0


@kernel
def _waiting(deferral, i, rise):
    """Of row i: its epoch, whether it has spiked in this run, and the potentiation of a pair at the epoch's origin."""
    _, _, last, tau, length = deferral
    at = last[i]
    if at == _GONE:
        return 0, False, 0.0
    origin = max(at, 0) // length * length
    return origin // length, at >= 0, rise * exp((at - origin) / tau)


@kernel
def _bring(deferral, i, weights, rise, w_max, targets):
    """Bring a row up to date."""
    sums, since = deferral[0], deferral[1]
    epoch, spiked, grown = _waiting(deferral, i, rise)
    total, x = sums[epoch % sums.shape[0]], weights.dtype.type(grown)
    reached, then = targets[i], since[i]
    own = weights[i * reached.size : (i + 1) * reached.size]
    if spiked:
        for k in range(reached.size):
            own[k] = min(own[k] + x * (total[reached[k]] - then[k]), w_max)
    elif grown > 0.0:
        for k in range(reached.size):
            own[k] = min(own[k] + x * total[reached[k]], w_max)


@kernel
def bring_all(deferral, weights, rise, w_max, excitatory, targets):
    """Bring every row up to date: the end of a run."""
    for i in range(excitatory.size):
        if excitatory[i] and deferral[2][i] != _GONE:
            _bring(deferral, i, weights, rise, w_max, targets)


@inlined
def _fetch_piece(weights, since, targets, first):
    """Have the piece of a row that begins there near by the time that it is this row's turn: 64 synapses."""
    fetch(weights, first)
    fetch(weights, first + 16)
    fetch(weights, first + 32)
    fetch(weights, first + 48)
    fetch(since, first)
    fetch(since, first + 16)
    fetch(since, first + 32)
    fetch(since, first + 48)
    fetch(targets, first)
    fetch(targets, first + 32)


@inlined
def _send(weights, since, targets, ahead, reached, own, arriving):
    """What a row that does not learn brings."""
    whole = own.size - own.size % _PIECE
    for start in range(0, whole, _PIECE):
        _fetch_piece(weights, since, targets, ahead + start)
        for k in range(start, start + _PIECE):
            arriving[reached[k]] += own[k]
    for k in range(whole, own.size):
        arriving[reached[k]] += own[k]


@inlined
def _count(deferral, t, spikes, count):
    """Add the spikes of tick t to the sums of all epochs."""
    sums, tau, length = deferral[0], deferral[3], deferral[4]
    epochs, now = sums.shape[0], t // length
    for epoch in range(max(now - epochs + 1, 0), now + 1):
        row, decayed = sums[epoch % epochs], sums.dtype.type(exp((epoch * length - t) / tau))
        for s in range(count):
            row[spikes[s]] += decayed


@inlined
def _pair(k, reached, own, then, total, current, x, w_max, fading, arriving):
    """Learn one synapse of a row that spikes, and add what it brings."""
    j = reached[k]
    weight = max(min(own[k] + x * (total[j] - then[k]), w_max) - fading[j], own.dtype.type(0))
    own[k], then[k] = weight, current[j]
    arriving[j] += weight


@kernel
def pair_rows(deferral, t, spikes, count, weights, rise, w_max, excitatory, targets, fading, arriving, bring):
    """Learn from the spikes of tick t, and add to ``arriving`` what they bring one tick later, if ``bring``.

    ``fading`` is what each target's last spike takes from a synapse to it at a spike of its source.
    """
    sums, since, last, _, length = deferral
    epochs, now = sums.shape[0], t // length
    _count(deferral, t, spikes, count)
    current, zero, degree = sums[now % epochs], weights.dtype.type(0), targets.shape[1]
    all_since, all_targets, whole = since.reshape(-1), targets.reshape(-1), degree - degree % _PIECE
    for s in range(count):
        i, ahead = spikes[s], np.int64(spikes[min(s + 1, count - 1)]) * degree
        reached, own = targets[i], weights[i * degree : (i + 1) * degree]
        if excitatory[i]:
            epoch, spiked, grown = _waiting(deferral, i, rise)
            total, x, then = sums[epoch % epochs], weights.dtype.type(grown), since[i]
            if not spiked:
                then[:] = zero
            for start in range(0, whole, _PIECE):
                _fetch_piece(weights, all_since, all_targets, ahead + start)
                for k in range(start, start + _PIECE):  # as many as is known when it is compiled: faster
                    _pair(k, reached, own, then, total, current, x, w_max, fading, arriving)
            for k in range(whole, degree):
                _pair(k, reached, own, then, total, current, x, w_max, fading, arriving)
        elif bring:
            _send(weights, all_since, all_targets, ahead, reached, own, arriving)
        last[i] = t
    if not bring:
        arriving[:] = zero
