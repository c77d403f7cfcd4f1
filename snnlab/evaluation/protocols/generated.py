"""Generated streams: every one of the sixteen types, untrained, on seeds that no setting was chosen on.

Each domain's figures are the worst over its types and seeds, so that a bar which holds does so for all of them. The
peer is the best of the trivial baselines (flag everything, a frozen z-score, EWMA-z) on the same type and stream.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from snnlab.datasets.generators import DOMAINS, generate
from snnlab.datasets.labelled import LabelledStream
from snnlab.evaluation.baselines import TRIVIAL
from snnlab.evaluation.figures import Figure
from snnlab.evaluation.metrics import average_precision
from snnlab.evaluation.protocols.judging import Factory, judged, ranked
from snnlab.evaluation.report import Report, evaluate

__all__ = ["SEEDS", "run"]

SEEDS = (101, 102, 103)


def run(factory: Factory, root: Path | None = None, *, seeds: Sequence[int] = SEEDS) -> list[Figure]:
    """The worst figures of each domain, as ``detection.generated.<domain>.<name>``.

    ``least_ap`` is of one type against the rest, ``accuracy`` of the names of true detections (mean over types), and
    ``false_alarms`` are words in 2,000 normal events at the default threshold.
    """
    del root
    return [figure for domain in DOMAINS for figure in _figures(factory, domain, seeds)]


def _figures(factory: Factory, domain: str, seeds: Sequence[int]) -> Iterator[Figure]:
    least, beside, accuracy, spoken = 1.0, 1.0, 1.0, 0.0
    for seed in seeds:
        stream = generate(domain, seed)
        verdicts, rows = judged(factory, stream)
        report: Report = evaluate(verdicts, stream, baselines=())
        for kind, found in report.by_type.items():
            if found.ap_against_rest < least:
                least, beside = found.ap_against_rest, _trivial(stream, kind)
        if report.confusion is not None:
            accuracy = min(accuracy, report.confusion.mean_accuracy)
        normal = np.asarray(stream.label)[rows] == 0
        spoken = max(spoken, 2000.0 * float(verdicts.spoken[rows][normal].mean()))
    name = f"detection.generated.{domain}"
    yield Figure.of(f"{name}.least_ap", least, "AP", peer="the best trivial one", peer_value=beside, bar=0.8)
    yield Figure.of(f"{name}.accuracy", accuracy, "share", bar=0.8)
    yield Figure.of(f"{name}.false_alarms", spoken, "in 2,000", bar=1.0, better="lower")


def _trivial(stream: LabelledStream, kind: str) -> float:
    """Average precision of the best trivial baseline for one type against everything else."""
    true = np.asarray(stream.kind, object)[stream.train :] == kind
    return max(average_precision(ranked(score(stream))[stream.train :], true) for score in TRIVIAL.values())
