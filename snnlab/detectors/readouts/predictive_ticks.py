"""Prediction from the shard's network where events come together: one vote a tick on all the words of the next.

What fired in the last tick votes once for every word, and an event of this tick is as surprising as its words are by
that vote; all events of a tick are simultaneous, so none of them is known to another. The words that came are counted,
and learnt once the tick is over.
"""

from typing import NamedTuple

import numpy as np
from numba.extending import overload

from snnlab.detectors.readouts.base import surprises
from snnlab.kernels import OPTIONS, kernel, part
from snnlab.types import Array

__all__ = ["PredictiveTicks"]

# mypy: disable-error-code="no-untyped-def"


class PredictiveTicks(NamedTuple):
    """The readout as its kernel reads it; the last of ``said`` is how many events the open tick has."""

    fired: Array
    surprise: Array
    said: Array
    synapse: Array
    events: Array
    word: Array
    first: Array
    total: Array
    strength: float
    memory: int


@kernel
def _learn(bound):
    """The words of the tick that is over, for the neurons that had fired before it."""
    n = bound.said[bound.word.size]
    for place in range(bound.word.size):
        bound.word[place] += bound.said[place]
    bound.total[0] += n
    for i in bound.fired:
        if i < 0:
            break
        synapse = bound.synapse[i]
        for place in range(synapse.size):
            synapse[place] += bound.said[place]
        bound.events[i] += n
        while bound.events[i] >= bound.memory:
            bound.events[i] *= np.float32(0.5)
            for place in range(synapse.size):
                synapse[place] *= np.float32(0.5)
    bound.said[:] = 0.0


@kernel
def _vote(bound):
    """The surprise of every word by what has fired; by its overall frequency alone where nothing has."""
    surprise, first, voters, back = bound.surprise, bound.first, 0, 0.0
    surprise[:] = 0.0
    for i in bound.fired:
        if i < 0:
            break
        synapse, share = bound.synapse[i], 1.0 / (bound.events[i] + bound.strength)
        for place in range(surprise.size):
            surprise[place] += synapse[place] * share
        voters, back = voters + 1, back + bound.strength * share
    if voters == 0:
        voters, back = 1, 1.0
    for d in range(first.size - 1):
        width = first[d + 1] - first[d]
        for place in range(first[d], first[d + 1]):
            usual = (bound.word[place] + 0.5) / (bound.total[0] + 0.5 * width)
            surprise[place] = -np.log(min((surprise[place] + back * usual) / voters, 1.0))


@kernel
def _fire(fired, spikes, start, stop):
    """Take over who fired, at regular distances where there are more than seats."""
    count, stride = min(stop - start, fired.size), max((stop - start) // fired.size, 1)
    for s in range(fired.size):
        fired[s] = spikes[start + s * stride] if s < count else -1


@part
def _by_ticks(bound, inputs, learn, out):
    """Surprise of each column's word, by the vote of the last tick."""
    codes, said, surprise, first = inputs.codes, bound.said, bound.surprise, bound.first
    for t in range(codes.shape[0]):
        if inputs.ran[t]:
            _learn(bound)
            _fire(bound.fired, inputs.spikes, inputs.spike_start[t], inputs.spike_start[t + 1])
            _vote(bound)
        for d in range(codes.shape[1]):
            place = first[d] + codes[t, d]
            out[t, d] = surprise[place]
            if learn:
                said[place] += np.float32(1.0)
        if learn:
            said[surprise.size] += np.float32(1.0)


@overload(surprises, jit_options=OPTIONS)
def _overload(bound, inputs, learn, out):
    return _by_ticks if getattr(bound, "instance_class", None) is PredictiveTicks else None
