"""Causal spike chains: through which earlier spikes a surprising event's activity could have come about.

A link says three things that were recorded: neuron k fired in an earlier event of the same entity, neuron j fired in a
later one, and a synapse with weight w > 0 leads from k to j. Its ``strength`` is ``w * decay ** (events between)``, the
part of k's push that is left. Going back from the surprising event along the strongest link each time gives a chain,
and each step names the input neurons that drove it in its own event.

This is what preceded and was wired to the surprise. It is no proof: other spikes pushed too, and only taking a spike
away and running again would show that it mattered.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int32, Integer

from snnlab.errors import ConfigError
from snnlab.reservoirs.engines.base import Activity
from snnlab.reservoirs.network import Network

__all__ = ["Chain", "Link", "spike_chain"]


@dataclass(frozen=True)
class Link:
    """One neuron that fired in one event; ``strength`` ties it to the next link of the chain (0 for the last)."""

    event: int
    neuron: int
    strength: float
    inputs: tuple[int, ...]


@dataclass(frozen=True)
class Chain:
    """Links from the earliest spike to the surprising event."""

    links: tuple[Link, ...]

    def tell(self, events: Sequence[str], inputs: Sequence[str] = ()) -> str:
        """The chain in words: ``events`` are the ids of the activity's events, ``inputs`` the input neurons' names."""
        steps = []
        for link in self.links:
            names = [inputs[address] if address < len(inputs) else f"input {address}" for address in link.inputs]
            driven = f" (driven by {', '.join(names)})" if names else ""
            steps.append(f"neuron {link.neuron} in event {events[link.event]}{driven}")
        return " -> ".join(steps) or "no neuron fired in the surprising event"


def spike_chain(
    network: Network,
    activity: Activity,
    addresses: Int32[np.ndarray, "n m"],
    *,
    weights: Float[np.ndarray, "i k"] | None = None,
    decay: float = 0.7,
    reach: int = 10,
    length: int = 5,
) -> Chain:
    """The strongest chain back from the last event of ``activity``: consecutive events of ONE entity.

    ``addresses`` are the input spikes of the same events (-1: none); ``weights`` what was learnt, or the network's own;
    ``decay`` what is left of a push after one event; ``reach`` how many events back a link may go; ``length`` the most
    links. The chain starts from the neuron of the last event with the strongest link behind it.

    Raises:
        ConfigError: addresses and activity differ in events, or ``decay`` lies outside 0 to 1.
    """
    if len(addresses) != len(activity) or not 0 < decay <= 1:
        raise ConfigError(
            f"{len(addresses)} rows of input spikes for {len(activity)} events at decay {decay}: "
            "give one row an event and a decay above 0 and up to 1"
        )
    if not len(activity) or not len(_fired(activity, len(activity) - 1)):
        return Chain(())
    wires = network.weights if weights is None else weights
    event, wanted = len(activity) - 1, _fired(activity, len(activity) - 1)
    links = [(event, int(wanted[0]), 0.0)]
    while len(links) < length:
        best = _strongest(network.targets, wires, activity, event, wanted, decay, reach)
        if best is None:
            break
        event, source, target, strength = best
        links[-1] = (links[-1][0], target, links[-1][2])
        links.append((event, source, strength))
        wanted = np.array([source])
    return Chain(tuple(Link(e, n, s, _drivers(network, addresses[e], n)) for e, n, s in reversed(links)))


def _fired(activity: Activity, event: int) -> Int32[np.ndarray, " s"]:
    return activity.neuron[activity.ptr[event] : activity.ptr[event + 1]]


def _strongest(
    targets: Integer[np.ndarray, "i k"],
    weights: Float[np.ndarray, "i k"],
    activity: Activity,
    event: int,
    wanted: Integer[np.ndarray, " w"],
    decay: float,
    reach: int,
) -> tuple[int, int, int, float] | None:
    """(earlier event, source, target, strength) of the strongest link to a wanted neuron; None where there is none."""
    best = None
    for lag in range(1, min(reach, event) + 1):
        sources = _fired(activity, event - lag)
        push = np.where(np.isin(targets[sources], wanted), weights[sources], 0.0) * decay ** (lag - 1)
        if push.size and push.max() > (best[3] if best else 0.0):
            row, column = np.unravel_index(int(np.argmax(push)), push.shape)
            target = int(targets[sources[row], column])
            best = (event - lag, int(sources[row]), target, float(push[row, column]))
    return best


def _drivers(network: Network, addresses: Int32[np.ndarray, " m"], neuron: int) -> tuple[int, ...]:
    """Input neurons that fired in the event and push the neuron, the strongest first; three at most."""
    fired = addresses[addresses >= 0]
    push = np.where(network.input_targets[fired] == neuron, network.input_weights[fired], 0.0).sum(axis=1)
    order = np.argsort(-push, kind="stable")[:3]
    return tuple(int(fired[i]) for i in order if push[i] > 0)
