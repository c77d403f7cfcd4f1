"""Homeostasis: every neuron near its target rate, whatever the scale of the input.

Two loops, both learned and shared by all entities of a shard, both only in an event's own ticks and only where the
event brought input:

- **thresholds**, a neuron at a time (Diehl & Cook 2015): ``offset <- offset + rate (spike - target_rate)``, in
  thresholds, within [-0.5, 4]. They even out who fires.
- **the gain of the input**, one for the network (synaptic scaling, Turrigiano 2008): while the running mean of the
  rate lies outside [3/4, 2] of the target, ``gain <- gain exp(-rate/4 e)``, with ``e`` = -1 below and
  ``min(mean / (2 target), 8)`` above. Being multiplicative it follows inputs of any scale. Ten times slower, and
  always, it falls while most thresholds are raised and rises while most are lowered: at rest the median threshold is
  the neuron's own ``v_threshold``. The gain scales input synapses only: thresholds that carried the scale of the input
  would change the recurrent gain, and undo the spectral radius.

Input reaches few neurons of a large network. Those that rest at the lowest threshold do not count for the gain, which
would rise for them for ever; and it ends where one input spike is worth twice the highest threshold, as nobody fires
for more.
"""

from dataclasses import dataclass

from snnlab.config import NeuromorphicConfig

__all__ = ["Homeostasis"]

_HIGHEST = 4.0
"""How far a threshold may rise, in thresholds."""


@dataclass(frozen=True)
class Homeostasis:
    """The constants of homeostasis.

    >>> h = Homeostasis.of(NeuromorphicConfig())
    >>> h.rate_up, h.rate_down, h.gain_rate
    (0.0196, 0.0004, 0.005)
    """

    target: float
    """Spikes a neuron and tick."""
    rate_up: float
    """Rise of a neuron's threshold at its spike, in membrane units."""
    rate_down: float
    """Fall of a neuron's threshold at a silent tick, in membrane units."""
    lowest: float
    highest: float
    gain_rate: float
    """Logarithmic change of the input gain in a tick."""
    gain_limit: float
    """Gain at which an input spike is worth twice the highest threshold."""

    @classmethod
    def of(cls, config: NeuromorphicConfig) -> "Homeostasis":
        """The constants of a configuration."""
        homeostasis, unit = config.learning.homeostasis, config.neuron.v_threshold
        return cls(
            target=homeostasis.target_rate,
            rate_up=round(unit * homeostasis.rate * (1.0 - homeostasis.target_rate), 12),
            rate_down=round(unit * homeostasis.rate * homeostasis.target_rate, 12),
            lowest=-0.5 * (unit - max(config.neuron.v_reset, 0.0)),
            highest=_HIGHEST * unit,
            gain_rate=homeostasis.rate / 4.0,
            gain_limit=2.0 * (1.0 + _HIGHEST) / config.reservoir.input_strength,
        )
