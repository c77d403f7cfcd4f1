"""Engine: processor time of a tick of one network on one thread, static and with STDP, and two shards on two threads.

``engine.static.<neurons>`` (int8, the fastest kernel), ``….float32`` and ``engine.stdp.<neurons>`` stand beside the
same network in plain NumPy; with ``peers``, ``….brian2_cpp``, ``….nest`` and so on give the same engine's time beside
another simulator's. The network is one that all of them can express: neurons that fire by themselves at about 2 % a
tick, exponential synapses, random input, neither adaptation nor lateral inhibition.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float64

from snnlab.bench import batch_replay
from snnlab.bench.engine_network import Given, begun, network_of, raster
from snnlab.bench.peers.dense import NAME as DENSE
from snnlab.bench.peers.dense import DenseNetwork
from snnlab.bench.peers.simulators import PLASTIC, prepared
from snnlab.bench.peers.simulators import chosen as chosen_peers
from snnlab.bench.rows import Row
from snnlab.bench.timing import Spread, in_turn, processor_seconds, settled
from snnlab.bench.two_shards import BAR as SHARDS_BAR
from snnlab.bench.two_shards import speed_up
from snnlab.reservoirs import Network, engine
from snnlab.reservoirs.engines.native.engine import Native

__all__ = ["NOTES", "run"]

NOTES = (
    "Processor time of a tick on one thread; a bar beside a peer is on the ratio. static: int8 weights, delivered by"
    " {kernel}. Peers run in their own precision: Brian 2 and NEST in float64. Rates tell how many of all fire a tick."
)
_DENSE_TICKS = {"static": 100, "stdp": 20}
_BARS = {
    "static": {"brian2_cpp": (4.0, 6.0), "nest": (25.0, 40.0), "torch_index_add": (5.0, 8.0)},
    "stdp": {"brian2_cpp": (25.0, 25.0), "brian2_cpp_textbook": (25.0, 25.0), "nest": (50.0, 50.0)},
}
"""Least ratios at 10,000 neurons: where AVX2 delivers, and where AVX-512 does."""
_SIZED = 10_000
_SHARD_ROUNDS = 7


def run(
    neurons: Sequence[int] = (256, 1000, 10_000), *, ticks: int = 300, rounds: int = 3, peers: Sequence[str] = ()
) -> tuple[list[Row], str]:
    """µs a tick of each size, static and with STDP; and what the notes say. Raises ConfigError on an unknown peer."""
    wanted = chosen_peers(peers)
    subjects = [_Subject(size, kind, ticks, rounds) for size in neurons for kind in ("static", "stdp")]
    rows = [row for subject in subjects for row in subject.rows(wanted)]
    kernel = Native.kernel(network_of(max(neurons), "static"))
    size = min(max(neurons), 1000)
    rows.append(_two_shards(size, ticks, rounds))
    replayed = network_of(size, "static", "float32")
    rows += batch_replay.rows(replayed, network_of(size, "stdp"), raster(replayed, ticks), rounds)
    return rows, NOTES.format(kernel=kernel)


class _Native:
    """The engine on one network and one entity; each round goes on where the last one ended."""

    def __init__(self, network: Network, ticks: int, *, learn: bool) -> None:
        self.network, self.ticks, self.learn = network, ticks, learn
        self.learned, self.state, self.engine = network.fresh_learned(), begun(network), engine("native")
        self.rates: list[float] = []

    def time(self, at: int) -> Float64[np.ndarray, " 1"]:
        """µs a tick of one round."""
        given = raster(self.network, self.ticks, at)
        taken = processor_seconds(lambda: self._fired(given))
        return np.array([1e6 * taken / self.ticks])

    def _fired(self, given: Given) -> None:
        spikes = self.engine.simulate(self.network, self.learned, self.state, 0, given, self.learn)
        self.rates.append(100.0 * spikes.tick.size / (self.ticks * self.network.n_neurons))


@dataclass(frozen=True)
class _Subject:
    """One size and kind, measured beside its peers."""

    neurons: int
    kind: str
    ticks: int
    rounds: int

    @property
    def learn(self) -> bool:
        return self.kind == "stdp"

    def rows(self, wanted: Sequence[str]) -> list[Row]:
        """Everything about it, each peer in turn with the subject."""
        network, name = network_of(self.neurons, self.kind), f"engine.{self.kind}.{self.neurons}"
        subject = _Native(network, self.ticks, learn=self.learn)
        rows = [self._beside(name, subject, DENSE, self._dense(network))]
        if not self.learn:
            wide = _Native(network_of(self.neurons, self.kind, "float32"), self.ticks, learn=False)
            rows.append(self._beside(f"{name}.float32", wide, f"native {Native.kernel(network)}", subject.time))
        for peer in wanted:
            if peer in PLASTIC if self.learn else peer != "brian2_cpp_textbook":
                with ExitStack() as stack:
                    given = partial(raster, network)
                    measure = prepared(peer, network, given, self.rounds, stack, learn=self.learn)
                    row = self._beside(f"{name}.{peer}", subject, peer, measure)
                    rows.append(row.with_ratio_bar(self._bar(peer, network)))
        return [*rows, Row.of(f"{name}.rate", Spread.of(subject.rates[1:]), "% a tick")]

    def _beside(self, name: str, subject: _Native, peer: str, measure: Callable[[int], np.ndarray]) -> Row:
        with settled():
            found = in_turn(self.rounds, subject=subject.time, peer=measure)
        times = Spread.of(found["subject"]), Spread.of(found["peer"])
        return Row.of(name, times[0], "us/tick", peer=peer, peer_value=times[1], better="lower")

    def _dense(self, network: Network) -> Callable[[int], np.ndarray]:
        ticks = min(self.ticks, _DENSE_TICKS[self.kind])
        dense = DenseNetwork(network, learn=self.learn)
        dense.v = begun(network)["membrane"][0]
        return lambda at: np.array([1e6 * processor_seconds(partial(dense.run, *raster(network, ticks, at))) / ticks])

    def _bar(self, peer: str, network: Network) -> float | None:
        bars = _BARS[self.kind].get(peer)
        if bars is None or self.neurons != _SIZED:
            return None
        return bars["AVX-512" in Native.kernel(network)]


def _two_shards(neurons: int, ticks: int, rounds: int) -> Row:
    network = network_of(neurons, "stdp")
    measure = speed_up(network, raster(network, 10 * ticks), learn=True)
    with settled():
        alone, together = in_turn(max(rounds, _SHARD_ROUNDS), subject=measure)["subject"].T
    return Row.of("engine.two_shards", Spread.of(alone / together), "x", bar=SHARDS_BAR)
