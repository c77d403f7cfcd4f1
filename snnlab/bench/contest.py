"""The detector and an LSTM autoencoder on one stream: taught, matched in quality, and timed in turn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter, process_time

import numpy as np
from jaxtyping import Float64

from snnlab.bench.peers import lstm
from snnlab.bench.peers.lstm import LstmAutoencoder
from snnlab.bench.timing import each, in_turn, settled
from snnlab.datasets.generators import generate
from snnlab.datasets.labelled import LabelledStream
from snnlab.detectors import Detector
from snnlab.evaluation.cost import Operations
from snnlab.evaluation.measuring import measured
from snnlab.evaluation.metrics import average_precision
from snnlab.evaluation.prequential import run as prequential
from snnlab.events import EventBatch

__all__ = ["Contest", "Times", "singles"]

DOMAIN = "sensor"
BY = {"dimension_mm": "product"}
"""What the domain holds against another habit than the entity's own."""

LIKE = 0.01
"""How far below the detector's an average precision may lie and still be called like it."""

_WORLD = 1


@dataclass(frozen=True)
class Times:
    """What was timed in ``r`` rounds: ``one`` event at a time, in ``bulk``, and in bulk on ``two`` threads."""

    one: Float64[np.ndarray, "r 3"]
    """p50 and p99 of wall time, and the mean of the thread's processor time, in µs."""
    bulk: Float64[np.ndarray, "r 2"]
    """Events a second of wall time, and µs of processor time an event."""
    two: Float64[np.ndarray, "r 2"]


@dataclass(frozen=True)
class Contest:
    """Two that have watched the same day of a sensor stream: average precisions are of the rows after training."""

    day: LabelledStream
    detector: Detector
    shards: Detector
    operations: Operations | None
    """What the detector's reservoir did for the day; None where it has none."""
    autoencoder: LstmAutoencoder
    quality: float
    peer_quality: float

    @classmethod
    def of(cls, hidden: Sequence[int], events: int) -> "Contest":
        """A day of ``events``, and the smallest autoencoder of those of ``hidden`` units that is as good, or the best.

        Raises ModuleNotFoundError where PyTorch is not installed, ConfigError for a stream that is too short.
        """
        day = generate(DOMAIN, seed=_WORLD, events=events)
        detector, shards = (Detector.for_events(DOMAIN, day.events, shards=count) for count in (1, 2))
        with measured(detector) as measuring:
            verdicts = prequential(detector, day)
        prequential(shards, day)
        quality = _quality(verdicts.score[day.train :], day.test)
        autoencoder, peer_quality = _matched(day, quality, hidden)
        operations = measuring.cost.operations if measuring.cost else None
        return cls(day, detector, shards, operations, autoencoder, quality, peer_quality)

    def timed(self, *, rounds: int, ones: int, bulk: int, batch: int) -> tuple[Times, Times]:
        """Times of the detector and of the autoencoder on another day: ``ones`` single events and ``bulk`` a round."""
        both = ones + bulk
        other = generate(DOMAIN, seed=_WORLD + 1, world=_WORLD, events=max((rounds + 1) * both, 500)).events
        for subject in (self.detector, self.shards):
            subject.restart()

        def single(process: Callable[[EventBatch], object], at: int) -> np.ndarray:
            return _one_by_one(process, other.slice(at * both, at * both + ones))

        def many(process: Callable[[EventBatch], object], threads: int, at: int) -> np.ndarray:
            with lstm.threads(threads):
                return _in_batches(process, other.slice(at * both + ones, (at + 1) * both), batch)

        own, two, peer = self.detector.process, self.shards.process, self.autoencoder.process
        with lstm.threads(1), settled():
            found = in_turn(
                rounds,
                one=partial(single, own),
                peer_one=partial(single, peer),
                bulk=partial(many, own, 1),
                peer_bulk=partial(many, peer, 1),
                two=partial(many, two, 1),
                peer_two=partial(many, peer, 2),
            )
        return tuple(Times(*(found[f"{who}{what}"] for what in ("one", "bulk", "two"))) for who in ("", "peer_"))  # type: ignore[return-value]


def _matched(day: LabelledStream, quality: float, hidden: Sequence[int]) -> tuple[LstmAutoencoder, float]:
    found: list[tuple[LstmAutoencoder, float]] = []
    with lstm.threads(1):
        for units in sorted(hidden):
            autoencoder = LstmAutoencoder.taught(day.training.events, units, by=BY)
            found.append((autoencoder, _quality(autoencoder.scores(day.test.events), day.test)))
            if found[-1][1] >= quality - LIKE:
                return found[-1]
    return max(found, key=lambda one: one[1])


def _quality(score: Float64[np.ndarray, " n"], test: LabelledStream) -> float:
    return float(average_precision(score, test.label))


def singles(piece: EventBatch) -> list[EventBatch]:
    """Each event as a batch of its own, as it would come in."""
    kinds = {name: piece.category(name).words() for name in piece.category_names}
    entities, types = piece.entities.words(), piece.event_types.words()
    return [
        EventBatch.from_columns(
            piece.values[at][None, :],
            piece.names,
            timestamps=[int(piece.timestamps[at])],
            event_ids=[piece.event_ids[at]],
            event_types=[types[at]],
            entities=[entities[at]],
            categories={name: [words[at]] for name, words in kinds.items()},
        )
        for at in range(len(piece))
    ]


def _one_by_one(process: Callable[[EventBatch], object], piece: EventBatch) -> Float64[np.ndarray, " 3"]:
    taken = each([partial(process, one) for one in singles(piece)])
    return np.array([*np.percentile(taken[:, 0], [50, 99]), taken[:, 1].mean()])


def _in_batches(process: Callable[[EventBatch], object], piece: EventBatch, batch: int) -> Float64[np.ndarray, " 2"]:
    parts = [piece.slice(at, at + batch) for at in range(0, len(piece), batch)]
    worked, begun = process_time(), perf_counter()
    for part in parts:
        process(part)
    taken, work = perf_counter() - begun, process_time() - worked
    return np.array([len(piece) / taken, 1e6 * work / len(piece)])
