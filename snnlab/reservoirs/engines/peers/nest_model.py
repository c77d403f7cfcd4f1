"""A run as NEST nodes and connections.

NEST stamps a spike with the end of its step: what fires in tick t of a run that begins at ``begin`` has the time
``begin + (t + 1) tick``, and arrives ``delay`` later, after that step's update of the membrane, as it does here. An
input spike of tick t is there before the update, so it arrives at the end of tick t - 1: its generator fires a tick
earlier still. Two idle ticks precede the run, at whose end the initial current and the input of tick 0 arrive as
spikes of one more generator, since currents cannot be set; then membranes and bias are.
"""

from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from snnlab.reservoirs.engines.peers.run import Run

__all__ = ["NestModel"]

_IDLE = 2
_NEVER = 1e300
_FAR = 40.0
"""Time constants after which a synapse's first, made-up presynaptic spike at time 0 counts nothing."""


class NestModel:
    """One run in NEST's kernel, which must be empty; raises what NEST raises.

    STDP: NEST lets postsynaptic spikes travel back for the whole delay d. With ``A_plus exp(d / tau_pre)`` and
    ``A_minus exp(-d / tau_post)`` all pairs further apart than d change the weight as they do here.
    """

    def __init__(self, nest: Any, run: Run) -> None:  # noqa: ANN401 - NEST has no types
        self.run, self._nest, self._tick = run, nest, run.network.lif.tick
        nest.resolution = self._tick
        self._begin = _IDLE
        if run.plastic:
            learning = run.network.config.learning
            self._begin += int(np.ceil(_FAR * max(learning.tau_pre, learning.tau_post) / self._tick))
            nest.Simulate(self._time(self._begin - _IDLE))
        self.cells = self._neurons()
        self._ids = np.array(self.cells.tolist())
        self.plastic = self._connect()
        self._feed()
        self._recorder = nest.Create("spike_recorder")
        nest.Connect(self.cells, self._recorder)
        end = self._begin + run.ticks
        window = {"start": self._time(end - 1), "stop": self._time(end), "interval": self._tick}
        self._probe = nest.Create("multimeter", params={**window, "record_from": ["I_syn_ex", "I_syn_in"]})
        nest.Connect(self._probe, self.cells)
        nest.Simulate(self._time(_IDLE))
        self.cells.V_m = run.membrane.astype(float).tolist()
        self.cells.I_e = run.network.bias.astype(float).tolist()

    def advance(self, ticks: int) -> None:
        """Simulate so many ticks on."""
        self._nest.Simulate(self._time(ticks))

    def raster(self) -> tuple[Int64[np.ndarray, " s"], Int64[np.ndarray, " s"]]:
        """Tick and neuron of each spike."""
        events = self._recorder.events
        tick = np.rint(np.asarray(events["times"]) / self._tick).astype(np.int64) - self._begin - 1
        return tick, np.asarray(events["senders"]).astype(np.int64) - self._ids[0]

    def settle(self) -> tuple[Float64[np.ndarray, " i"], Float64[np.ndarray, " i"]]:
        """Membranes and currents after all ticks, once what NEST delivers in slices is delivered, nobody firing."""
        membrane = np.array(self.cells.V_m, float)
        self.cells.V_th = _NEVER
        self.advance(self.run.network.lif.delay + 1)
        events = self._probe.events
        current = np.zeros(self.run.network.n_neurons)
        current[np.asarray(events["senders"], np.int64) - self._ids[0]] = events["I_syn_ex"] + events["I_syn_in"]
        return membrane, current

    def weights(self, tick: Int64[np.ndarray, " s"], neuron: Int64[np.ndarray, " s"]) -> Float64[np.ndarray, " p"]:
        """Plastic weights of a settled run, brought up to date: in NEST a synapse learns only when its source fires."""
        run, lag = self.run, self.run.network.lif.delay
        weights, up, top = self._plastic_weights(), run.stdp[0], run.network.w_max
        source, place = np.nonzero(run.learning)
        target = run.network.targets[source, place]
        last = np.full(run.network.n_neurons, -np.inf)
        np.maximum.at(last, neuron, tick)
        tau = run.network.config.learning.tau_pre / self._tick
        for t, j in sorted(zip(tick.tolist(), neuron.tolist(), strict=True)):
            waiting = np.flatnonzero((target == j) & (last[source] < t + lag))
            grown = weights[waiting] + up * np.exp(-(t - last[source[waiting]]) / tau)
            weights[waiting] = np.minimum(grown, top)
        return weights

    def _plastic_weights(self) -> Float64[np.ndarray, " p"]:
        """In the order of the network's rows, whose targets rise."""
        found = self.plastic.get(["source", "target", "weight"])
        source, target, weight = (np.atleast_1d(found[name]) for name in ("source", "target", "weight"))
        order = np.lexsort((target, source))
        weights: Float64[np.ndarray, " p"] = weight[order].astype(float)
        return weights

    def _time(self, ticks: int) -> float:
        return round(ticks * self._tick, 9)

    def _neurons(self) -> Any:  # noqa: ANN401
        """C_m = tau_m makes the resistance one, as everywhere here."""
        lif, learning = self.run.network.lif, self.run.network.config.learning
        constants = {
            "tau_m": lif.tau_membrane, "C_m": lif.tau_membrane, "E_L": 0.0, "V_m": 0.0, "V_reset": lif.v_reset,
            "t_ref": self._time(lif.refractory), "tau_syn_ex": lif.tau_synapse, "tau_syn_in": lif.tau_synapse,
            "tau_minus": learning.tau_post, "V_th": self.run.threshold.astype(float).tolist(),
        }  # fmt: skip
        return self._nest.Create("iaf_psc_exp", self.run.network.n_neurons, constants)

    def _connect(self) -> Any:  # noqa: ANN401
        run, nest = self.run, self._nest
        learns = run.learning if run.plastic else np.zeros(run.weights.shape, bool)
        for model, chosen in (("static_synapse", ~learns & (run.weights != 0)), (self._rule(), learns)):
            source, place = np.nonzero(chosen)
            if source.size:
                self._join(model, self._ids[source], self._ids[run.network.targets[source, place]], run.weights[chosen])
        return nest.GetConnections(synapse_model="learning") if learns.any() else None

    def _join(self, model: str, source: Any, target: Any, weight: Any, delay: int = 0) -> None:  # noqa: ANN401
        time = np.full(len(source), self._time(delay or self.run.network.lif.delay))
        synapse = {"synapse_model": model, "weight": np.asarray(weight, float), "delay": time}
        self._nest.Connect(source, target, "one_to_one", synapse)

    def _rule(self) -> str:
        run = self.run
        if not run.plastic:
            return "static_synapse"
        learning, delay, w_max = run.network.config.learning, run.network.lif.delay * self._tick, run.network.w_max
        up, down = run.stdp
        late = np.exp(delay / learning.tau_pre)
        self._nest.CopyModel(
            "stdp_nn_symm_synapse",
            "learning",
            {
                "lambda": up / w_max * late, "alpha": down / up * np.exp(-delay / learning.tau_post) / late,
                "mu_plus": 0.0, "mu_minus": 0.0, "Wmax": w_max, "tau_plus": learning.tau_pre,
            },
        )  # fmt: skip
        return "learning"

    def _feed(self) -> None:
        run, nest, network = self.run, self._nest, self.run.network
        first = run.current.astype(float)
        brought = run.gain * network.input_weights.astype(float)
        at_once = run.address[: run.ptr[1]]
        np.add.at(first, network.input_targets[at_once].astype(np.int64), brought[at_once])
        self._volley(self._begin - 1, first)
        later, when = run.address[run.ptr[1] :], run.when[run.ptr[1] :]
        for address in np.unique(later):
            spikes, many = np.unique(when[later == address], return_counts=True)
            times = [self._time(self._begin + t - 1) for t in spikes.tolist()]
            source = nest.Create(
                "spike_generator", params={"spike_times": times, "spike_multiplicities": many.tolist()}
            )
            targets = self._ids[network.input_targets[address]]
            self._join("static_synapse", np.full(targets.size, source.tolist()[0]), targets, brought[address], delay=1)

    def _volley(self, tick: int, weights: Float64[np.ndarray, " i"]) -> None:
        hit = np.flatnonzero(weights)
        if hit.size:
            source = self._nest.Create("spike_generator", params={"spike_times": [self._time(tick)]})
            self._join("static_synapse", np.full(hit.size, source.tolist()[0]), self._ids[hit], weights[hit], delay=1)
