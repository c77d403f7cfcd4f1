"""Alarm neurons: one for each readout, refractory, habituating, and inhibiting each other.

Within ``refractory`` events of an entity's last word only stronger evidence is heard; each burst that follows a silence
makes the neuron tire by 1, which divides its voice by 1 + habituation * tiredness and fades with ``recovery`` events.
Of several neurons the strongest speaks, and its word silences the others as its own: a burst is one alarm.

Source: relative refractoriness and spike-frequency habituation (Thompson & Spencer, 1966), lateral inhibition.
"""

import numba
import numpy as np
from jaxtyping import Float64, Int32

from snnlab.types import Array, Arrays

__all__ = ["fresh_alarm", "inhibit", "speak", "speak_one"]

_NEVER = -(1 << 40)


def fresh_alarm(capacity: int) -> Arrays:
    """Alarm neurons at rest, a row an entity: events seen, event of the last word, its strength, tiredness."""
    return {
        "clock": np.zeros(capacity, np.int64),
        "last": np.full(capacity, _NEVER, np.int64),
        "voice": np.zeros(capacity),
        "tired": np.zeros(capacity),
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
    out = np.zeros_like(voices)
    _inhibit(voices, rows, memory["clock"], memory["last"], memory["voice"], memory["tired"], refractory, out)
    return out


@numba.njit(cache=True, nogil=True)
def speak_one(
    z: float,
    row: int,
    clock: Array,
    last: Array,
    voice: Array,
    tired: Array,
    refractory: int,
    rouse: float,
    habituation: float,
    fade: float,
) -> float:
    """What an alarm neuron says of one event of an entity."""
    now = clock[row]
    clock[row] += 1
    tired[row] *= fade
    silent = now - last[row] > refractory
    if silent:
        voice[row] = 0.0
    if z <= voice[row]:
        return 0.0
    said: float = z / (1.0 + habituation * tired[row])
    voice[row] = z
    if silent and z > rouse:
        tired[row] += 1.0
    last[row] = now
    return said


@numba.njit(cache=True, nogil=True)
def _speak(
    evidence: Array,
    rows: Array,
    clock: Array,
    last: Array,
    voice: Array,
    tired: Array,
    refractory: int,
    rouse: float,
    habituation: float,
    fade: float,
    out: Array,
) -> None:
    for t in range(evidence.size):
        out[t] = speak_one(evidence[t], rows[t], clock, last, voice, tired, refractory, rouse, habituation, fade)


@numba.njit(cache=True, nogil=True)
def _inhibit(
    voices: Array, rows: Array, clock: Array, last: Array, voice: Array, tired: Array, refractory: int, out: Array
) -> None:
    for t in range(voices.size):
        out[t] = speak_one(voices[t], rows[t], clock, last, voice, tired, refractory, np.inf, 0.0, 1.0)
