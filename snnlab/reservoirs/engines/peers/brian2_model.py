"""A run as Brian 2 objects: equations, pathways and monitors, in the order of operations of ``iaf_psc_exp``.

A tick of Brian 2 runs through its slots like this::

    start            input spikes
    before_groups    input into the current (``exponential``)
    groups           exact integration of v, g, a and the traces x, y
    after_groups     input into the membrane (``delta``), which has by then decayed a tick: weights carry P22
    thresholds       v >= theta + a, unless refractory
    synapses         recurrent spikes arrive; then post spikes learn, then pre spikes
    after_synapses   lateral inhibition, and what was under way at the beginning
    resets           v, a, the traces

so a spike of tick t arrives, after its delay, once the membrane has been updated, and pairs for plasticity are those
of :mod:`snnlab.reservoirs.plasticity.stdp`: with the last spike before this tick, none within a tick.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from snnlab.reservoirs.engines.peers.run import Run

__all__ = ["NEAREST", "TEXTBOOK", "Brian2Model", "Rule"]

_NEURON = """
dv/dt = (bias + g - v) / tau_m : 1 (unless refractory)
dg/dt = -g / tau_syn : 1
bias : 1 (constant)
theta : 1 (constant)
"""
_ADAPTATION = "da/dt = -a / tau_a : 1\n"
_TRACES = "dx/dt = -x / tau_pre : 1\ndy/dt = -y / tau_post : 1\n"


class Rule(NamedTuple):
    """STDP as Brian 2 is told it; ways are taken in the order ``send``, ``grow`` (on a post spike), ``learn``."""

    model: str
    on_pre: Mapping[str, str]
    on_post: str


NEAREST = Rule(
    "w : 1",
    {"send": "g_post += w", "learn": "w = clip(w - down * y_post, 0, top)"},
    "w = clip(w + up * x_pre, 0, top)",
)
"""What the engines learn by: a trace of each neuron, set to one at its spike."""

TEXTBOOK = Rule(
    "w : 1\ndpre/dt = -pre / tau_pre : 1 (event-driven)\ndpost/dt = -post / tau_post : 1 (event-driven)",
    {"send": "g_post += w; pre += 1; w = clip(w - down * post, 0, top)"},
    "post += 1; w = clip(w + up * pre, 0, top)",
)
"""As Brian 2's documentation writes it, for a benchmark: traces of each synapse, which pair all spikes."""


class Brian2Model:
    """One run as a Brian 2 network, ready to be run and read; raises what Brian 2 raises."""

    def __init__(self, b2: Any, run: Run, rule: Rule = NEAREST) -> None:  # noqa: ANN401 - Brian 2 has no types
        self.run, self.tick = run, run.network.lif.tick * b2.ms
        self._b2, self._rule, self._clock = b2, rule, b2.Clock(self.tick)
        self.group = self._neurons()
        self.spikes = b2.SpikeMonitor(self.group)
        self.plastic: Any = None
        parts = [self.group, self.spikes, *self._input(), *self._recurrence(), *self._inhibition()]
        self._bring_pending()
        self.network = b2.Network(*parts)

    @property
    def duration(self) -> Any:  # noqa: ANN401
        """Of the whole run."""
        return self.run.ticks * self.tick

    def raster(self) -> tuple[Int64[np.ndarray, " s"], Int64[np.ndarray, " s"]]:
        """Tick and neuron of each spike."""
        tick = np.rint(np.asarray(self.spikes.t / self.tick)).astype(np.int64)
        return tick, np.asarray(self.spikes.i).astype(np.int64)

    def _space(self) -> dict[str, Any]:
        b2, lif, learning, network = self._b2, self.run.network.lif, self.run.network.config.learning, self.run.network
        up, down = self.run.stdp
        return {
            "tau_m": lif.tau_membrane * b2.ms,
            "tau_syn": lif.tau_synapse * b2.ms,
            "tau_a": lif.tau_adaptation * b2.ms,
            "tau_pre": learning.tau_pre * b2.ms,
            "tau_post": learning.tau_post * b2.ms,
            "rest": lif.v_reset,
            "rise": lif.adaptation,
            "up": up,
            "down": down,
            "top": network.w_max,
            "lateral": network.lateral,
        }

    def _neurons(self) -> Any:  # noqa: ANN401
        """Brian 2 counts a refractory period from the tick of the spike: it takes one tick more than NEST's."""
        run, lif = self.run, self.run.network.lif
        adapts = lif.adaptation > 0.0
        equations = _NEURON + _ADAPTATION * adapts + _TRACES * run.plastic
        equations += "pooled : 1 (linked)\n" * bool(run.network.lateral)
        reset = "v = rest" + "; a += rise" * adapts + "; x = 1; y = 1" * run.plastic
        group = self._b2.NeuronGroup(
            run.network.n_neurons,
            equations,
            threshold="v >= theta + a" if adapts else "v >= theta",
            reset=reset,
            refractory=(lif.refractory + 1) * self.tick,
            method="exact",
            namespace=self._space(),
            clock=self._clock,
        )
        group.v, group.g, group.bias, group.theta = run.membrane, run.current, run.network.bias, run.threshold
        group.lastspike = -(1 + run.age) * self.tick
        if adapts:
            group.a = run.adaptation
        if run.plastic:
            learning = run.network.config.learning
            group.x, group.y = (np.exp(-run.age * lif.tick / tau) for tau in (learning.tau_pre, learning.tau_post))
        return group

    def _input(self) -> list[Any]:
        """A generator, and its spikes' way. An input neuron that spikes again in a tick does so as its own double."""
        run, network = self.run, self.run.network
        if run.address.size == 0:
            return []
        key = run.when * network.n_inputs + run.address
        order = np.argsort(key, kind="stable")
        ordered = key[order]
        double = np.empty(key.size, np.int64)
        double[order] = np.arange(key.size) - np.searchsorted(ordered, ordered)
        copies = int(double.max()) + 1
        source = self._b2.SpikeGeneratorGroup(
            network.n_inputs * copies,
            run.address + network.n_inputs * double,
            run.when * self.tick,
            clock=self._clock,
            when="start",
        )
        delta = network.config.reservoir.input_synapse == "delta"
        scale = run.gain * (network.lif.propagators.membrane if delta else 1.0)
        way = self._synapses(source, self.group, "v_post += w" if delta else "g_post += w")
        way.pre.when = "after_groups" if delta else "before_groups"
        sources = np.repeat(np.arange(network.n_inputs * copies), network.input_targets.shape[1])
        way.connect(i=sources, j=np.tile(network.input_targets.ravel(), copies).astype(np.int64))
        way.w = np.tile(scale * network.input_weights.ravel(), copies)
        return [source, way]

    def _synapses(self, source: Any, target: Any, arrival: str, **options: Any) -> Any:  # noqa: ANN401
        return self._b2.Synapses(source, target, "w : 1", on_pre=arrival, clock=self._clock, **options)

    def _recurrence(self) -> list[Any]:
        learns = self.run.learning if self.run.plastic else np.zeros(self.run.weights.shape, bool)
        static = ~learns & (self.run.weights != 0)
        parts = []
        delay = self.run.network.lif.delay * self.tick
        if static.any():
            parts.append(self._synapses(self.group, self.group, "g_post += w", delay=delay))
            self._connect(parts[0], static)
        if learns.any():
            self.plastic = self._b2.Synapses(
                self.group,
                self.group,
                self._rule.model,
                on_pre=dict(self._rule.on_pre),
                on_post={"grow": self._rule.on_post},
                delay={"send": delay},
                namespace=self._space(),
                clock=self._clock,
            )
            for order, way in enumerate(("send", "grow", "learn")):
                if way in ("grow", *self._rule.on_pre):
                    getattr(self.plastic, way).order = order
            self._connect(self.plastic, learns)
            parts.append(self.plastic)
        return parts

    def _connect(self, synapses: Any, chosen: Bool[np.ndarray, "i k"]) -> None:  # noqa: ANN401
        source, place = np.nonzero(chosen)
        synapses.connect(i=source, j=self.run.network.targets[source, place].astype(np.int64))
        weights: Float32[np.ndarray, " s"] | Float64[np.ndarray, " s"] = self.run.weights[chosen]
        synapses.w = weights

    def _inhibition(self) -> list[Any]:
        """One cell counts the spikes that arrive in a tick, and every neuron reads it."""
        if not self.run.network.lateral:
            return []
        pool = self._b2.NeuronGroup(1, "s : 1", clock=self._clock)
        way = self._b2.Synapses(
            self.group, pool, on_pre="s_post += 1", delay=self.run.network.lif.delay * self.tick, clock=self._clock
        )
        way.connect()
        self.group.pooled = self._b2.linked_var(pool, "s")
        self.group.run_regularly("g -= lateral * pooled", when="after_synapses", clock=self._clock)
        pool.run_regularly("s = 0", when="end", clock=self._clock)
        return [pool, way]

    def _bring_pending(self) -> None:
        brought = self.run.pending()
        if not brought.any():
            return
        after = np.vstack([brought, np.zeros((1, brought.shape[1]))])
        self.group.namespace["under_way"] = self._b2.TimedArray(after, dt=self.tick)
        self.group.run_regularly("g += under_way(t, i)", when="after_synapses", clock=self._clock)
