"""Alarm neurons: one for each readout, refractory, habituating, and inhibiting each other.

Within ``refractory`` events of an entity's last word only stronger evidence is heard; each burst that follows a silence
makes the neuron tire by 1, which divides its voice by 1 + habituation * tiredness and fades with ``recovery`` events.
Of several neurons the strongest speaks, and its word silences the others as its own: a burst is one alarm.

Source: relative refractoriness and spike-frequency habituation (Thompson & Spencer, 1966), lateral inhibition.
"""

import numpy as np
from jaxtyping import Float64, Int32

from snnlab.kernels import inlined, kernel
from snnlab.types import Arrays

__all__ = ["fresh_alarm", "inhibit", "speak", "speak_one"]

_NEVER = -(1 << 40)


def fresh_alarm(capacity: int, neurons: int = 1) -> Arrays:
    """Alarm neurons at rest, a row an entity: events seen, event of the last word, its strength, tiredness."""
    shape = (capacity, neurons)
    return {
        "clock": np.zeros(shape, np.int64),
        "last": np.full(shape, _NEVER, np.int64),
        "voice": np.zeros(shape),
        "tired": np.zeros(shape),
    }


def speak(
    evidence: Float64[np.ndarray, " n"],
    rows: Int32[np.ndarray, " n"],
    memory: Arrays,
    *,
    refractory: int = 60,
    rouse: float = 0.3,
    habituation: float = 1.0,
    recovery: float = 2000.0,
) -> Float64[np.ndarray, " n"]:
    """What one readout's alarm neuron says of each event; 0 when it is silent.

    ``rouse`` is the evidence from which a word after silence tires the neuron.

    ``memory`` is ``fresh_alarm`` of one neuron.

    Example:
        >>> memory = fresh_alarm(1)
        >>> speak(np.array([2.0, 1.0, 3.0]), np.zeros(3, np.int32), memory).round(2).tolist()
        [2.0, 0.0, 1.5]
    """
    out = np.zeros_like(evidence)
    _speak(
        evidence, rows, memory["clock"], memory["last"], memory["voice"], memory["tired"],
        refractory, rouse, habituation, np.exp(-1.0 / recovery), out,
    )  # fmt: skip
    return out


def inhibit(
    voices: Float64[np.ndarray, " n"], rows: Int32[np.ndarray, " n"], memory: Arrays, *, refractory: int = 60
) -> Float64[np.ndarray, " n"]:
    """The one voice that is heard of each event, after the shared refractory silence."""
    return speak(voices, rows, memory, refractory=refractory, rouse=np.inf, habituation=0.0, recovery=np.inf)


@inlined
def speak_one(z, row, neuron, clock, last, voice, tired, refractory, rouse, habituation, fade):  # type: ignore[no-untyped-def]
    """What one of an entity's alarm neurons says of one event; the arrays are [entity, neuron]."""
    now, weary = clock[row, neuron], tired[row, neuron] * fade
    clock[row, neuron] = now + 1
    silent = now - last[row, neuron] > refractory
    heard = 0.0 if silent else voice[row, neuron]
    said = 0.0
    if z > heard:
        said = z / (1.0 + habituation * weary)
        heard = z
        weary += 1.0 if silent and z > rouse else 0.0
        last[row, neuron] = now
    voice[row, neuron] = heard
    tired[row, neuron] = weary
    return said


@kernel
def _speak(evidence, rows, clock, last, voice, tired, refractory, rouse, habituation, fade, out):  # type: ignore[no-untyped-def]
    for t in range(evidence.size):
        out[t] = speak_one(evidence[t], rows[t], 0, clock, last, voice, tired, refractory, rouse, habituation, fade)
