"""Claims: latency, energy, throughput and memory beside an LSTM autoencoder of like detection quality.

Both watch the same stream, the sensor generator's, and both know its normal part. The autoencoder's size is the least
of those offered whose average precision comes within a hundredth of the detector's, or the best of them:
``claims.quality`` tells both. The detector goes on learning while it is timed; the autoencoder does not.

``claims.latency`` is the 99th percentile of one event in, verdict out; ``claims.energy`` the processor time of one
thread times watts a core, in batches, ``….one_event`` event by event, ``….estimate`` operations times published
energies of each; ``claims.throughput`` is in batches, two shards on two threads beside the faster of one and two
threads of PyTorch, ``….one_thread`` one beside one; ``claims.memory`` is the exponent by which bytes grow with neurons,
or units, and ``….model`` the bytes of these two. ``….gain`` is how many times better, by the bar of the hundredfold
that is claimed of such networks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from snnlab.bench.contest import Contest, Times
from snnlab.bench.growth import BAR, NEURONS, network_bytes
from snnlab.bench.peers import lstm
from snnlab.bench.peers.lstm import NAME, parameter_bytes
from snnlab.bench.rows import Row
from snnlab.bench.timing import Spread
from snnlab.errors import EngineMissing
from snnlab.evaluation.cost import FP32_MAC_PICOJOULES, energy
from snnlab.evaluation.growth import Growth
from snnlab.evaluation.measuring import WATTS_A_CORE

__all__ = ["HIDDEN", "Claims", "run"]

HUNDREDFOLD = 100.0
LATENCY_US, ENERGY_MJ, EVENTS_A_SECOND = 1_000.0, 0.01, 1e6
"""What is claimed of such networks."""

HIDDEN = (4, 8, 16, 32, 64)
"""Units a layer that the autoencoder may have."""

UNITS = (64, 128, 256, 512)


@dataclass(frozen=True)
class Claims:
    """Rows, and what must be known to read them."""

    rows: list[Row]
    notes: str


def run(
    hidden: Sequence[int] = HIDDEN,
    *,
    events: int = 20_000,
    rounds: int = 5,
    ones: int = 500,
    batch: int = 1_000,
    watts: float = WATTS_A_CORE,
) -> Claims:
    """All four claims and the quality they are made at; ``events`` teach, half as many are timed in a round.

    ``ones`` events a round come one by one. Raises EngineMissing where PyTorch is not installed.
    """
    if not lstm.installed():
        raise EngineMissing(
            "bench claims measures beside an LSTM autoencoder in PyTorch, which is not installed: "
            "pip install 'snnlab[research]'"
        )
    contest = Contest.of(hidden, events)
    own, peer = contest.timed(rounds=rounds, ones=ones, bulk=max(events // 2, batch), batch=batch)
    rows = [
        Row.of("claims.quality", contest.quality, "AP", peer=NAME, peer_value=contest.peer_quality),
        *_latency(own, peer),
        *_energy(own, peer, watts, contest),
        *_throughput(own, peer),
        *_memory(contest),
    ]
    return Claims(rows, _notes(contest, watts))


def _latency(own: Times, peer: Times) -> list[Row]:
    return [
        _row("claims.latency", own.one[:, 1], peer.one[:, 1], "us", bar=LATENCY_US),
        _row("claims.latency.p50", own.one[:, 0], peer.one[:, 0], "us"),
        _gain("claims.latency.gain", peer.one[:, 0] / own.one[:, 0]),
    ]


def _energy(own: Times, peer: Times, watts: float, contest: Contest) -> list[Row]:
    millijoules = watts * 1e-3  # of a µs
    mine, theirs = (np.stack([times.bulk[:, 1], times.one[:, 2]]) * millijoules for times in (own, peer))
    return [
        _row("claims.energy", mine[0], theirs[0], "mJ", bar=ENERGY_MJ),
        _row("claims.energy.one_event", mine[1], theirs[1], "mJ"),
        *_estimate(contest),
        _gain("claims.energy.gain", theirs[0] / mine[0]),
    ]


def _estimate(contest: Contest) -> list[Row]:
    """By operations: the reservoir's as counted, on a chip, beside the autoencoder's multiply-adds."""
    if contest.operations is None:
        return []
    chip = energy(contest.operations)
    return [
        Row.of(
            "claims.energy.estimate",
            chip.joules_per_event * 1e3,
            f"mJ on {chip.chip}",
            peer="LSTM, multiply-adds",
            peer_value=contest.autoencoder.multiplications * FP32_MAC_PICOJOULES * 1e-9,
            bar=ENERGY_MJ,
            better="lower",
        )
    ]


def _throughput(own: Times, peer: Times) -> list[Row]:
    faster = np.maximum(peer.two[:, 0], peer.bulk[:, 0])  # small networks lose more by a second thread than they win
    return [
        _row("claims.throughput", own.two[:, 0], faster, "events/s", bar=EVENTS_A_SECOND),
        _row("claims.throughput.one_thread", own.bulk[:, 0], peer.bulk[:, 0], "events/s"),
        _gain("claims.throughput.gain", own.two[:, 0] / faster),
    ]


def _memory(contest: Contest) -> list[Row]:
    autoencoder, inputs = contest.autoencoder, contest.autoencoder.past.shape[2]
    own = Growth.of(NEURONS, [network_bytes(size, "plastic") for size in NEURONS])
    peer = Growth.of(UNITS, [parameter_bytes(size, inputs) for size in UNITS])
    held = parameter_bytes(autoencoder.hidden, inputs) + autoencoder.past.nbytes
    return [
        Row.of("claims.memory", own.exponent, "exponent", peer=NAME, peer_value=peer.exponent, bar=BAR, better="lower"),
        Row.of(
            "claims.memory.model", len(contest.detector.save()), "bytes", peer=NAME, peer_value=held, better="lower"
        ),
    ]


def _row(name: str, own: np.ndarray, peer: np.ndarray, unit: str, *, bar: float | None = None) -> Row:
    better: Literal["higher", "lower"] = "higher" if unit == "events/s" else "lower"
    return Row.of(name, Spread.of(own), unit, peer=NAME, peer_value=Spread.of(peer), bar=bar, better=better)


def _gain(name: str, times: np.ndarray) -> Row:
    return Row.of(name, Spread.of(times), "times", bar=HUNDREDFOLD)


def _notes(contest: Contest, watts: float) -> str:
    autoencoder, network = contest.autoencoder, contest.detector.plan.network
    neurons = 0 if network is None else network.n_neurons
    return (
        f"The autoencoder has {autoencoder.hidden} units a layer and a window of {autoencoder.window} events, and is "
        f"frozen; the detector has {neurons} neurons and learns from every event. Energy on a processor is measured "
        f"processor time at {watts:g} W a core, the same for both: no meter. claims.energy.estimate is an estimate: "
        "counted synaptic operations and updates of neurons at published energies of Loihi, beside multiply-adds "
        "at 4.6 pJ (45 nm), neither with learning, input and output, or static power. Bars are what is claimed of "
        "spiking networks in general, 100 times better; holds says whether it is so here."
    )
