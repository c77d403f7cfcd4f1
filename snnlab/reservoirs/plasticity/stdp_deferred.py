"""STDP deferred: a row of weights is touched only when its own neuron spikes, and is then brought up to date at once.

Between two spikes of neuron i, potentiation of the synapse to j sums ``A exp(-(t_post - t_i) / tau)`` over the spikes
of j since ``t_i``. With ``C_j`` the running sum of ``exp(-(t_post - t_0) / tau)`` that is ``x_i (C_j(now) - C_j(t_i))``
with ``x_i = A exp((t_i - t_0) / tau)``, and as both ``x_i`` and ``C_j(t_i)`` are known at ``t_i``, it is then that
their product is taken from the weight: what waits is one number a synapse, and a pair writes nothing. Nothing weakens a
synapse in between, so that one bound at the end is the bound of each step. Origins ``t_0`` roll on in epochs, lest
the exponentials outgrow the type; a row that has been silent for all the epochs kept is brought up to date and rests.

What a spike takes from the synapses to j until j fires again falls by one factor a tick, the same for all, so that it
too changes only where j fires. All that a synapse reads of its target lies side by side (:mod:`.stdp_lanes`).

It does what :mod:`.stdp` does for one entity at a time, to the rounding of the sums: within 5e-6 of ``w_max`` in
float32, where the pairwise form rounds at each pair (Morrison, Diesmann & Gerstner 2008 tell the pairing).
"""

from math import ceil, exp
from typing import NamedTuple

import numpy as np

from snnlab.kernels import inlined, kernel
from snnlab.prefetch import PIECE, fetch_piece
from snnlab.reservoirs.plasticity.stdp import Stdp
from snnlab.reservoirs.plasticity.stdp_lanes import EIGHT, QUAD, grow_eight, pair_eight
from snnlab.types import Array

__all__ = ["Deferral", "bring_all", "defers", "pair_rows", "roll"]

# ruff: noqa: ANN001, ANN201, ANN202 - the types of a kernel are those it is compiled for
# mypy: disable-error-code="no-untyped-def"

_EPOCHS = 6
_EPOCH = 3.0
"""Time constants of an epoch: within it exponentials grow twentyfold; five of them forget all but 3e-7 of a pair."""
_GONE = -(2**62)
_SUM, _CURRENT, _FADING = 0, 1, 2
_OUTGROWN = 60.0
"""Time constants of depression that an epoch is shorter than: exp(60) lies well within a float32."""
_NOTHING = 1e-16
"""What a spike takes from a synapse counts nothing once it has fallen to so much of what it was."""


class Deferral(NamedTuple):
    """What one run of one entity defers."""

    near: Array
    """[epochs, i, 4], what synapses read of their target: its spikes, decayed from each epoch's origin and from that of
    the present one, and what its last spike takes from a synapse, at that origin."""
    last: Array
    """Tick of each neuron's last spike, from the first of the run; negative before it."""
    tau: float
    """Ticks, of potentiation."""
    tau_fading: float
    """Ticks, of depression."""
    loss: float
    """What a spike takes from a synapse whose target fired at the same time."""
    length: int
    """Ticks of an epoch."""

    @classmethod
    def of(cls, stdp: Stdp, taus: tuple[float, float], age: Array, real: np.dtype[np.floating]) -> "Deferral":
        """Nothing deferred yet, for an entity whose neurons spiked so many ticks ago; ``taus`` are in ticks."""
        before = -1 - age.astype(np.int64)  # the first tick of a run finds ages one older
        loss = float(stdp.depression[0])
        near = np.zeros((_EPOCHS, age.size, QUAD), real)
        near[0, :, _FADING] = np.where(age < stdp.depression.size - 2, loss * np.exp(before / taus[1]), 0.0)
        before[age >= stdp.potentiation.size - 1] = _GONE
        return cls(near, before, *taus, loss, _length(taus[0]))


def defers(taus: tuple[float, float]) -> bool:
    """Whether windows of STDP of so many ticks can be deferred: within an epoch neither outgrows the type."""
    return _length(taus[0]) < _OUTGROWN * taus[1]


def _length(tau: float) -> int:
    return ceil(_EPOCH * tau)


@kernel
def roll(deferral, t, weights, rise, w_max, excitatory, targets):
    """Begin an epoch where tick ``t`` is its first; rows that wait since the epoch that it replaces rest."""
    near, last, length = deferral.near, deferral.last, deferral.length
    if t % length:
        return
    epochs, epoch = near.shape[0], t // length
    if epoch >= epochs:
        first = (epoch - epochs) * length
        for i in range(last.size):
            if last[i] != _GONE and last[i] < first + length:
                if excitatory[i]:
                    _bring(deferral, i, weights, rise, w_max, targets)
                last[i] = _GONE
    if epoch > 0:
        _begin(deferral, epoch)


@kernel
def _begin(deferral, epoch):
    """Tell all from the origin of an epoch that begins: no spikes yet, and what a spike takes."""
    near, loss, kind = deferral.near, deferral.loss, deferral.near.dtype.type
    epochs, zero = near.shape[0], kind(0)
    kept, least = kind(exp(-deferral.length / deferral.tau_fading)), kind(_NOTHING * loss)
    own, before = near[epoch % epochs], near[(epoch - 1) % epochs]
    for j in range(own.shape[0]):
        own[j, _SUM], own[j, _FADING] = zero, before[j, _FADING]
    for row in range(min(epoch + 1, epochs)):
        own = near[row]
        for j in range(own.shape[0]):
            fading = kept * own[j, _FADING]
            own[j, _CURRENT], own[j, _FADING] = zero, fading if fading > least else zero


@kernel
def _waiting(deferral, i, rise):
    """Of row i: its epoch, and the potentiation of a pair at the epoch's origin."""
    at, length = deferral.last[i], deferral.length
    if at == _GONE:
        return 0, 0.0
    origin = max(at, 0) // length * length
    return origin // length, rise * exp((at - origin) / deferral.tau)


@kernel
def _bring(deferral, i, weights, rise, w_max, targets):
    """Bring a row up to date."""
    near = deferral.near
    epoch, grown = _waiting(deferral, i, rise)
    at = epoch % near.shape[0]
    total, x, all_near, first = near[at], weights.dtype.type(grown), near.reshape(-1), at * near[at].size
    reached = targets[i]
    own = weights[i * reached.size : (i + 1) * reached.size]
    whole = reached.size - reached.size % EIGHT
    for k in range(0, whole, EIGHT):
        grow_eight(all_near, first, reached, own, k, x, w_max)
    for k in range(whole, reached.size):
        own[k] = min(own[k] + x * total[reached[k], _SUM], w_max)


@kernel
def bring_all(deferral, weights, rise, w_max, excitatory, targets):
    """Bring every row up to date: the end of a run."""
    for i in range(excitatory.size):
        if excitatory[i] and deferral.last[i] != _GONE:
            _bring(deferral, i, weights, rise, w_max, targets)


@inlined
def _send(weights, targets, ahead, reached, own, arriving):
    """What a row that does not learn brings."""
    whole = own.size - own.size % PIECE
    for start in range(0, whole, PIECE):
        fetch_piece(weights, ahead + start)
        fetch_piece(targets, ahead + start)
        for k in range(start, start + PIECE):
            arriving[reached[k]] += own[k]
    for k in range(whole, own.size):
        arriving[reached[k]] += own[k]


@inlined
def _count(deferral, t, spikes, count):
    """Add the spikes of tick t to the sums of all epochs."""
    near, tau, length = deferral.near, deferral.tau, deferral.length
    epochs, now, kind = near.shape[0], t // length, near.dtype.type
    current = kind(exp((now * length - t) / tau))
    for epoch in range(max(now - epochs + 1, 0), now + 1):
        own, decayed = near[epoch % epochs], kind(exp((epoch * length - t) / tau))
        for s in range(count):
            own[spikes[s], _SUM] += decayed
            own[spikes[s], _CURRENT] += current


@inlined
def _begin_fading(deferral, t, spikes, count):
    """From now on it is the spikes of tick t that make a spike take from synapses."""
    near, length = deferral.near, deferral.length
    epochs, now = near.shape[0], t // length
    fading = near.dtype.type(deferral.loss * exp((t - now * length) / deferral.tau_fading))
    for epoch in range(max(now - epochs + 1, 0), now + 1):
        own = near[epoch % epochs]
        for s in range(count):
            own[spikes[s], _FADING] = fading


@inlined
def _pair(k, reached, own, near, x, w_max, faded, x_now, arriving):
    """Learn one synapse of a row that spikes, and add what it brings; :func:`.stdp_lanes.pair_eight` does eight."""
    j = reached[k]
    weight = max(min(own[k] + x * near[j, _SUM], w_max) - faded * near[j, _FADING], own.dtype.type(0))
    own[k] = weight - x_now * near[j, _CURRENT]
    arriving[j] += weight


@kernel
def pair_rows(deferral, t, spikes, count, weights, rise, w_max, excitatory, targets, arriving, bring):
    """Learn from the spikes of tick t, and add to ``arriving`` what they bring one tick later, if ``bring``."""
    near, kind, degree = deferral.near, weights.dtype.type, targets.shape[1]
    epochs, neurons = near.shape[:2]
    _count(deferral, t, spikes, count)
    passed = t % deferral.length
    faded, x_now = kind(exp(-passed / deferral.tau_fading)), kind(rise * exp(passed / deferral.tau))
    all_near, all_targets = near.reshape(-1), targets.reshape(-1)
    pieces, eights = degree - degree % PIECE, degree - degree % EIGHT
    for s in range(count):
        i, ahead = spikes[s], np.int64(spikes[min(s + 1, count - 1)]) * degree
        reached, own = targets[i], weights[i * degree : (i + 1) * degree]
        if excitatory[i]:
            epoch, grown = _waiting(deferral, i, rise)
            at, x = epoch % epochs, kind(grown)
            first = at * neurons * QUAD
            for start in range(0, pieces, PIECE):
                fetch_piece(weights, ahead + start)
                fetch_piece(all_targets, ahead + start)
                for k in range(start, start + PIECE, EIGHT):
                    pair_eight(all_near, first, reached, own, k, x, w_max, faded, x_now, arriving)
            for k in range(pieces, eights, EIGHT):
                pair_eight(all_near, first, reached, own, k, x, w_max, faded, x_now, arriving)
            for k in range(eights, degree):
                _pair(k, reached, own, near[at], x, w_max, faded, x_now, arriving)
        elif bring:
            _send(weights, all_targets, ahead, reached, own, arriving)
        deferral.last[i] = t
    _begin_fading(deferral, t, spikes, count)
    if not bring:
        arriving[:] = kind(0)
