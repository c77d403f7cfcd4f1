"""The leaky integrate-and-fire neuron with exponential synapses and an adaptive threshold.

Between spikes, in units where the membrane resistance is one and time is in ms::

    tau_membrane dv/dt = -v + i + bias      membrane
    tau_synapse  di/dt = -i                 synaptic current
    tau_adaptation da/dt = -a               adaptation

and the solution over a tick is exact (Rotter & Diesmann 1999). One tick does, in NEST's order for ``iaf_psc_exp``:

1. ``v <- P22 v + P21 i + P20 bias`` unless refractory;  2. ``a <- Pa a``;
3. ``i <- P11 i`` + what recurrent spikes bring after their delay;
4. a neuron that is not refractory and has ``v >= v_threshold + offset + a`` spikes: ``v <- v_reset``,
   ``a <- a + adaptation``, and it is refractory for ``refractory / tick`` ticks.

Input spikes of a tick are there before step 1, so that an event's own ticks can answer it: in ``v`` of the neurons
that are not refractory (``input_synapse: delta``, no event leaves a current that outlives it), or in ``i``
(``exponential``).
"""

from dataclasses import dataclass
from math import exp, expm1

from snnlab.config import NeuromorphicConfig
from snnlab.errors import ConfigError

__all__ = ["Lif", "Propagators", "charge", "propagators", "psp_peak"]


@dataclass(frozen=True)
class Propagators:
    """What a time step does to a neuron: exact for any length of step."""

    current: float
    """P11, the decay of the synaptic current."""
    current_to_membrane: float
    """P21, what a unit current leaves in the membrane."""
    membrane: float
    """P22, the decay of the membrane."""
    bias: float
    """P20, what a unit of constant bias leaves in the membrane."""


def propagators(tau_membrane: float, tau_synapse: float, step: float) -> Propagators:
    """Exact propagators over ``step`` ms; equal time constants are the limit, not a special case of the result.

    ``P21 = step/tau_m exp(-step/tau_m) expm1(x)/x`` with ``x = step/tau_m - step/tau_s``, and ``expm1(x)/x -> 1``.

    >>> p = propagators(20.0, 5.0, 1.0)
    >>> round(p.current, 4), round(p.current_to_membrane, 4), round(p.membrane, 4), round(p.bias, 4)
    (0.8187, 0.0442, 0.9512, 0.0488)
    >>> round(propagators(10.0, 10.0, 1.0).current_to_membrane, 6)  # = 0.1 exp(-0.1)
    0.090484
    """
    x = step / tau_membrane - step / tau_synapse
    ratio = expm1(x) / x if x != 0 else 1.0
    membrane = exp(-step / tau_membrane)
    return Propagators(
        current=exp(-step / tau_synapse),
        current_to_membrane=step / tau_membrane * membrane * ratio,
        membrane=membrane,
        bias=-expm1(-step / tau_membrane),
    )


def psp_peak(tau_membrane: float, tau_synapse: float) -> float:
    """Height of the membrane's answer to a current that starts at one.

    >>> round(psp_peak(20.0, 5.0), 4)
    0.1575
    """
    if abs(tau_membrane / tau_synapse - 1.0) < 1e-6:
        return exp(-1.0)
    ratio = tau_membrane / tau_synapse
    return float(ratio ** (-ratio / (ratio - 1.0)))


def charge(config: NeuromorphicConfig) -> float:
    """Effective linear weight of a unit weight: the spikes that one arriving spike causes in a perfect integrator.

    One spike of weight w brings the membrane ``w P21 / (1 - P11)`` in all its ticks, and a spike costs
    ``v_threshold - v_reset``; leak and refractoriness only lessen it.

    >>> round(charge(NeuromorphicConfig()), 4)
    0.2436
    """
    lif = Lif.of(config)
    step = lif.propagators
    return step.current_to_membrane / (1.0 - step.current) / (lif.v_threshold - lif.v_reset)


@dataclass(frozen=True)
class Lif:
    """The constants of a network's neurons, in ticks where they are times."""

    propagators: Propagators
    tau_membrane: float
    tau_synapse: float
    tau_adaptation: float
    tick: float
    v_threshold: float
    v_reset: float
    adaptation: float
    refractory: int
    """Ticks."""
    delay: int
    """Ticks."""

    @classmethod
    def of(cls, config: NeuromorphicConfig) -> "Lif":
        """The constants of a configuration. Raises ConfigError where a spike would be lost in its delay."""
        neuron, tick = config.neuron, config.tick
        refractory = _ticks("neuron.refractory", neuron.refractory, tick)
        delay = _ticks("reservoir.delay", config.reservoir.delay, tick)
        if not 1 <= delay <= refractory + 1:
            raise ConfigError(
                f"a delay of {config.reservoir.delay} ms is {delay} ticks of {tick} ms; it must lie between 1 tick and "
                f"{refractory + 1}, the least interval of two spikes: change reservoir.delay, neuron.refractory or tick"
            )
        return cls(
            propagators=propagators(neuron.tau_membrane, neuron.tau_synapse, tick),
            tau_membrane=neuron.tau_membrane,
            tau_synapse=neuron.tau_synapse,
            tau_adaptation=neuron.tau_adaptation,
            tick=tick,
            v_threshold=neuron.v_threshold,
            v_reset=neuron.v_reset,
            adaptation=neuron.adaptation,
            refractory=refractory,
            delay=delay,
        )


def _ticks(name: str, time: float, tick: float) -> int:
    """A time in whole ticks. Raises ConfigError where it is not a whole number of them."""
    ticks = round(time / tick)
    if abs(time / tick - ticks) > 1e-6:
        near = f"{ticks * tick:g} or {(ticks + (1 if ticks * tick < time else -1)) * tick:g} ms"
        raise ConfigError(
            f"{name} of {time:g} ms is {time / tick:g} ticks of {tick:g} ms, and must be a whole number of them: "
            f"take {near}, or another tick"
        )
    return ticks
