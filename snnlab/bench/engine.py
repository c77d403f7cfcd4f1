"""Engine: time of a tick of one network on one thread, static and with STDP.

``engine.static.<neurons>`` and ``engine.stdp.<neurons>`` stand beside the same network in plain NumPy; with ``peers``,
``….brian2_numpy`` and ``….brian2_cython`` give the same engine's time beside Brian 2's.
"""

from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter

import numpy as np
from jaxtyping import Int32, Int64

from snnlab.bench.peers import brian
from snnlab.bench.peers.dense import NAME as DENSE
from snnlab.bench.peers.dense import DenseNetwork
from snnlab.bench.rows import Row
from snnlab.bench.timing import Spread, in_turn, seconds, settled
from snnlab.config import NeuromorphicConfig
from snnlab.reservoirs import Network, engine

__all__ = ["NOTES", "raster", "run"]

NOTES = (
    "Time of a tick; input spikes come to one neuron in a hundred each tick. Rates tell how many of all fire a tick."
)
_PEER_TICKS = {"static": 100, "stdp": 20}
_BRIAN_STEPS = 2_000_000  # neuron updates in a round


def run(
    neurons: Sequence[int] = (256, 1000, 10_000), *, ticks: int = 300, rounds: int = 3, peers: bool = False
) -> list[Row]:
    """µs a tick of each size, static and with STDP."""
    return [row for size in neurons for kind in ("static", "stdp") for row in _rows(size, kind, ticks, rounds, peers)]


def raster(network: Network, ticks: int, seed: int = 0) -> tuple[Int64[np.ndarray, " t+1"], Int32[np.ndarray, " s"]]:
    """Input of ``ticks`` ticks: each has spikes of random input neurons, a hundredth as many as there are neurons."""
    per_tick = max(network.n_neurons // 100, 2)
    drawn = np.random.default_rng(seed).random((ticks, network.n_inputs)).argpartition(per_tick, axis=1)[:, :per_tick]
    return np.arange(ticks + 1) * per_tick, np.sort(drawn, axis=1).astype(np.int32).ravel()


class _Native:
    """The engine on one network and one entity; each round goes on where the last one ended."""

    def __init__(self, network: Network, ticks: int, *, learn: bool) -> None:
        self.network, self.ticks, self.learn = network, ticks, learn
        self.learned, self.state, self.engine = network.fresh_learned(), network.fresh_state(1), engine("native")
        self.rates: list[float] = []

    def time(self, at: int) -> np.ndarray:
        """µs a tick of one round."""
        given = raster(self.network, self.ticks, at)
        begun = perf_counter()
        spikes = self.engine.simulate(self.network, self.learned, self.state, 0, given, self.learn)
        taken = perf_counter() - begun
        self.rates.append(100.0 * spikes.tick.size / (self.ticks * self.network.n_neurons))
        return np.array([1e6 * taken / self.ticks])


def _rows(neurons: int, kind: str, ticks: int, rounds: int, peers: bool) -> list[Row]:
    learn = kind == "stdp"
    changes = {"reservoir.neurons": neurons, "learning.algorithm": "STDP" if learn else "none"}
    network = Network.build(NeuromorphicConfig().replace({**changes, "learning.homeostasis.rate": 0.0}), n_inputs=1000)
    subject = _Native(network, ticks, learn=learn)
    others = _peers(network, min(ticks, _PEER_TICKS[kind]), rounds, learn=learn, wanted=peers)
    with settled():
        found = in_turn(rounds, subject=subject.time, **others)
    value, name = Spread.of(found["subject"]), f"engine.{kind}.{neurons}"
    rows = [
        Row.of(
            name if peer == DENSE else f"{name}.{peer}",
            value,
            "us/tick",
            peer=peer,
            peer_value=Spread.of(found[peer]),
            better="lower",
        )
        for peer in others
    ]
    return [*rows, Row.of(f"{name}.rate", Spread.of(subject.rates[1:]), "% a tick")]


def _peers(
    network: Network, ticks: int, rounds: int, *, learn: bool, wanted: bool
) -> dict[str, Callable[[int], np.ndarray]]:
    dense = DenseNetwork(network, learn=learn)
    found = {DENSE: lambda at: np.array([1e6 * seconds(partial(dense.run, *raster(network, ticks, at))) / ticks])}
    if wanted and brian.installed():
        steps = _BRIAN_STEPS // network.n_neurons
        for target in brian.TARGETS:
            other = brian.Brian(network, *_again(raster(network, steps), rounds + 2), target=target, learn=learn)
            found[f"brian2_{target}"] = partial(_brian_time, other, steps)
    return found


def _again(
    given: tuple[Int64[np.ndarray, " t+1"], Int32[np.ndarray, " s"]], times: int
) -> tuple[Int64[np.ndarray, " u+1"], Int32[np.ndarray, " r"]]:
    """An input raster of as many spikes each tick, several times over."""
    ptr, address = given
    return np.arange((len(ptr) - 1) * times + 1) * ptr[1], np.tile(address, times)


def _brian_time(other: brian.Brian, steps: int, at: int) -> np.ndarray:
    """µs a tick, without what each call of ``run`` takes to begin."""
    del at
    begin = min(seconds(partial(other.run, 1)) for _ in range(3))
    return np.array([1e6 * (seconds(partial(other.run, steps + 1)) - begin) / steps])
