"""Latency: one event in, verdict out, in process, learning on.

``latency.verdict.<neurons>`` is one call of ``Detector.process`` with a batch of one that is already there;
``latency.columns.<neurons>`` also makes that batch from numbers and words; ``latency.reservoir.<neurons>`` is the
engine alone. ``cpu_p50`` and ``cpu_p99`` are the same calls by the thread's own processor time.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
from jaxtyping import Float64

from snnlab.bench.peers import trees
from snnlab.bench.peers.dense import NAME as DENSE
from snnlab.bench.peers.dense import DenseNetwork
from snnlab.bench.rows import Row
from snnlab.bench.timing import Spread, each, in_turn
from snnlab.bench.workload import detector, stream
from snnlab.events import EventBatch
from snnlab.reservoirs import Network, engine

__all__ = ["NOTES", "run"]

BARS = {256: 50.0, 1000: 150.0, 10_000: 1000.0}
"""µs at the 99th percentile."""

_QUANTILES = ("p50", "p99", "cpu_p50", "cpu_p99")
NOTES = (
    "Each value is the median over rounds of a round's percentile. Kernels are compiled and every entity is known "
    "before the first round; learning is on; the garbage collector is on, with what was there before frozen. cpu_ is "
    "the thread's own processor time: on a machine that does other work as well, the rest of the wall time is waiting."
)


def run(
    neurons: Sequence[int] = (256, 1000), *, events: int = 5_000, entities: int = 10_000, rounds: int = 5
) -> list[Row]:
    """Percentiles of latency in µs; ``events`` in all are timed for each size, in ``rounds``."""
    return [row for size in neurons for row in _rows(size, max(events // rounds, 1), entities, rounds)]


def _rows(neurons: int, events: int, entities: int, rounds: int) -> list[Row]:
    known = max(entities, 1_000)
    batch = stream(known + 2 * (rounds + 1) * events, entities=entities)
    subject = detector(batch, neurons=neurons)
    subject.process(batch.slice(0, known))
    score = trees.half_space_trees()
    network = subject.plan.network
    if network is None:
        return []
    dense = DenseNetwork(network)

    def piece(at: int) -> EventBatch:
        return batch.slice(known + at * events, known + (at + 1) * events)

    found = in_turn(
        rounds,
        verdict=lambda at: _percentiles(_verdicts(subject.process, piece(2 * at))),
        columns=lambda at: _percentiles(_columns(subject.process, piece(2 * at + 1))),
        trees=lambda at: _percentiles(_scores(score, piece(2 * at))),
        reservoir=lambda at: _percentiles(_drives(network, at, events)),
        dense=lambda at: _percentiles(_steps(dense, network, at, min(events, 200))),
    )
    return [
        _row(f"latency.{name}.{neurons}.{quantile}", found[name][:, at], label, found[peer][:, at], bar)
        for name, peer, label in (
            ("verdict", "trees", trees.NAME),
            ("columns", "trees", trees.NAME),
            ("reservoir", "dense", f"{DENSE}, one step"),
        )
        for at, quantile in enumerate(_QUANTILES)
        for bar in (BARS.get(neurons) if (name, quantile) == ("verdict", "p99") else None,)
    ]


def _row(name: str, taken: np.ndarray, peer: str, beside: np.ndarray, bar: float | None) -> Row:
    value, other = Spread.of(taken), Spread.of(beside)
    return Row.of(name, value, "us", peer=peer, peer_value=other, bar=bar, better="lower")


def _percentiles(taken: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, " 4"]:
    """In the order of ``_QUANTILES``."""
    return np.asarray(np.percentile(taken, [50, 99], axis=0)).T.ravel()


def _verdicts(process: Callable[[EventBatch], object], piece: EventBatch) -> Float64[np.ndarray, "n 2"]:
    return each([partial(process, make()) for make in _makers(piece)])


def _columns(process: Callable[[EventBatch], object], piece: EventBatch) -> Float64[np.ndarray, "n 2"]:
    return each([lambda make=make: process(make()) for make in _makers(piece)])  # type: ignore[misc]


def _makers(piece: EventBatch) -> list[Callable[[], EventBatch]]:
    """For each event, what makes a batch of it alone, as it would come in: nothing is looked up beforehand."""
    rows = zip(piece.values, piece.timestamps.tolist(), piece.event_ids, piece.entities.words(), strict=True)
    return [
        partial(
            EventBatch.from_columns,
            values[None, :],
            piece.names,
            timestamps=[time],
            event_ids=[event],
            entities=[owner],
        )
        for values, time, event, owner in rows
    ]


def _scores(score: Callable[[dict[str, float]], float], piece: EventBatch) -> Float64[np.ndarray, "n 2"]:
    events = [dict(zip(piece.names, values, strict=True)) for values in piece.values.tolist()]
    return each([partial(score, event) for event in events])


def _addresses(network: Network, at: int, events: int) -> np.ndarray:
    """Eight input spikes an event, as eight features of one spike each make."""
    return np.random.default_rng(at).integers(0, network.n_inputs, (events, 1, 8)).astype(np.int32)


def _drives(network: Network, at: int, events: int) -> Float64[np.ndarray, "n 2"]:
    native, learned, state = engine("native"), network.fresh_learned(), network.fresh_state(1)
    row, gap, when = np.zeros(1, np.int32), np.zeros(1, np.int64), np.zeros((1, 8), np.int32)

    def works() -> Iterator[Callable[[], object]]:
        for address in _addresses(network, at, events):
            yield partial(native.drive, network, learned, state, row, address, when, gap, 1)

    return each(works())


def _steps(dense: DenseNetwork, network: Network, at: int, events: int) -> Float64[np.ndarray, "n 2"]:
    return each([partial(dense.step, address[0]) for address in _addresses(network, at, events)])
