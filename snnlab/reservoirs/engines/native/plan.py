"""A network's constants as the native kernels read them, and the checks of what they run on."""

from dataclasses import dataclass
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import UInt16

from snnlab.reservoirs.engines.fitting import state_of, weights_of
from snnlab.reservoirs.engines.native.delivery import DENSE_ENOUGH, LANES, expands, masks_of
from snnlab.reservoirs.engines.native.kernels import Net, Scratch
from snnlab.reservoirs.engines.native.marks import no_marks
from snnlab.reservoirs.network import Network
from snnlab.reservoirs.neurons import psp_peak
from snnlab.reservoirs.plasticity import Homeostasis, Stdp, Synapses, stdp_deferred
from snnlab.reservoirs.plasticity.stdp_deferred import Deferral
from snnlab.types import Array, Arrays

__all__ = ["LARGE", "NO_VOLLEYS", "Plan", "plan_of"]

LARGE = 2**21
"""Bytes of weights from which random writes to them cost more than passing over rows."""
_EMPTY = np.zeros(0, np.uint16)
NO_VOLLEYS = np.zeros((0, 2), np.int64)


@dataclass(frozen=True, eq=False)
class Plan:
    """A network's constants as the kernels read them."""

    network: Network
    net: Net
    params: tuple[Array, ...]
    """Reals; whole numbers (refractory, delay, settle ticks, degree); times (ms), those of traces last; what traces
    keep in a tick; homeostasis."""
    kernel: str
    """How spikes are delivered: ``rows``, ``levels`` or ``masks``; see :mod:`.delivery`."""

    @classmethod
    def of(cls, network: Network, kernel: str | None = None) -> "Plan":
        """The constants of a network, for the best kernel that this processor has, or for the one that is named."""
        kernel = kernel or _best_kernel(network)
        targets = network.targets
        addresses = masks_of(targets, network.n_neurons) if kernel == "masks" else targets
        brought = _joined(network, NO_VOLLEYS)
        net = Net(addresses, network.bias, network.input_targets, network.input_weights, NO_VOLLEYS, brought)
        return cls(network, net, _params(network), kernel)

    def arrays(
        self, learned: Arrays, state: Arrays, *, by_target: bool = True, volleys: Array = NO_VOLLEYS
    ) -> tuple[tuple[object, ...], ...]:
        """Everything that a kernel takes, checked. Raises ConfigError where an array does not fit the network.

        A kernel that goes through rows only does without synapses ``by_target``, which then are not even made.
        """
        network = self.network
        net = self.net._replace(volleys=volleys, joined=_joined(network, volleys)) if len(volleys) else self.net
        own = learned["threshold"], weights_of(network, learned), learned["homeostat"]
        rule = network.rule.bind(_synapses(network, by_target=by_target and network.plastic), learned, network.real)
        return net, rule, own, state_of(network, state), self.params

    @cached_property
    def defers(self) -> bool:
        """Whether a long run of one entity learns row by row: STDP on rows that no cache holds, delivered next tick."""
        network = self.network
        size = network.targets.size * network.real.itemsize
        large = isinstance(network.rule, Stdp) and network.lif.delay == 1 and size > LARGE
        return large and not network.fillers.size and stdp_deferred.defers(self._windows)

    def deferral(self, age: UInt16[np.ndarray, " i"]) -> Deferral:
        """What a run of the entity whose neurons have these ages defers."""
        network = self.network
        stdp = Stdp.of(network.config, network.w_max)
        return Deferral.of(stdp, self._windows, age, network.real)

    @property
    def _windows(self) -> tuple[float, float]:
        learning, tick = self.network.config.learning, self.network.lif.tick
        return learning.tau_pre / tick, learning.tau_post / tick

    def scratch(self) -> Scratch:
        """What one thread works in."""
        n, real = self.network.n_neurons, self.network.real
        return Scratch(
            spikes=np.empty(n + 1, np.int64),
            fired=no_marks(n),
            arriving=np.zeros(n, real),
            brought=np.zeros(n, real),
            totals=np.zeros(3, np.int64),
            seen=no_marks(n),
            sums=np.zeros(-(-n // LANES) * LANES if self.kernel != "rows" else 0, np.int16),
            before=np.zeros(n, real),
        )


_PLANS: WeakKeyDictionary[Network, Plan] = WeakKeyDictionary()


def plan_of(network: Network) -> Plan:
    """The plan of a network, made once."""
    plan = _PLANS.get(network)
    if plan is None:
        plan = _PLANS[network] = Plan.of(network)
    return plan


def _joined(network: Network, volleys: Array) -> Array:
    """What each volley brings to each neuron."""
    brought = np.zeros((len(volleys), network.n_neurons), network.real)
    for own, (first, count) in zip(brought, volleys, strict=True):
        fired = slice(first, first + count)
        np.add.at(own, network.input_targets[fired].ravel(), network.input_weights[fired].ravel())
    return brought


def _synapses(network: Network, *, by_target: bool) -> Synapses:
    if not by_target:
        return Synapses(network.excitatory, np.zeros(0, np.int64), _EMPTY, _EMPTY, network.fillers)
    incoming = network.incoming
    return Synapses(network.excitatory, incoming.ptr, incoming.source, incoming.slot, network.fillers)


def _best_kernel(network: Network) -> str:
    if not network.quantised:
        return "rows"
    n, degree = network.targets.shape
    return "masks" if expands() and degree >= DENSE_ENOUGH * n else "levels"


def _params(network: Network) -> tuple[Array, ...]:
    lif, real, config = network.lif, network.real, network.config
    step, homeostasis = lif.propagators, Homeostasis.of(config)
    delta = config.reservoir.input_synapse == "delta"
    reals = [step.membrane, step.current_to_membrane, step.bias, step.current]
    reals += [float(np.exp(-lif.tick / lif.tau_adaptation)), lif.v_threshold, lif.v_reset, lif.adaptation]
    reals += [network.lateral, 0.0, psp_peak(lif.tau_membrane, lif.tau_synapse)]
    reals += [float(delta), float(not delta), 0.0, 1e-30, network.scale]
    whole = [lif.refractory, lif.delay, config.reservoir.settle_ticks, 0, network.targets.shape[1]]
    traces = network.rule.traces
    times = [lif.tau_membrane, lif.tau_synapse, lif.tau_adaptation, lif.tick, *(lif.tick * tau for tau in traces)]
    homeo = [homeostasis.target, homeostasis.rate_up, homeostasis.rate_down]
    homeo += [homeostasis.lowest, homeostasis.highest, homeostasis.gain_rate, homeostasis.gain_limit]
    kept = np.exp(-1.0 / np.array(traces)) if traces else np.zeros(0)
    return np.array(reals, real), np.array(whole, np.int64), np.array(times), kept.astype(real), np.array(homeo)
