"""NSL-KDD: learn from the normal connections of Train+ 20 %, then judge Test+ with learning off; and prequentially.

Test+ has 18 attack types that Train+ lacks. F1 is given at the detector's own threshold and at the best one.

Source: M. Tavallaee et al., A detailed analysis of the KDD CUP 99 data set, CISDA 2009.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from snnlab.datasets.labelled import LabelledStream
from snnlab.evaluation.figures import Figure
from snnlab.evaluation.metrics import best_f1, point_counts, roc_auc
from snnlab.evaluation.protocols.judging import Factory, flagged, judged, ranked, streams

__all__ = ["normals_then_test", "run"]


def normals_then_test(stream: LabelledStream) -> LabelledStream:
    """The stream without the attacks of its training rows."""
    kept = np.flatnonzero((np.arange(len(stream)) >= stream.train) | (stream.label == 0))
    return replace(
        stream,
        events=stream.events.take(kept),
        label=stream.label[kept],
        kind=[stream.kind[row] for row in kept],
        windows=None,
        train=int((stream.label[: stream.train] == 0).sum()),
    )


def run(factory: Factory, root: Path | None = None) -> list[Figure]:
    """``detection.nsl_kdd.auc``, ``.f1``, ``.best_f1`` (frozen) and ``.prequential_auc`` (Test+ alone, untrained)."""
    from snnlab.evaluation.baselines import BASELINES

    stream = normals_then_test(streams("nsl_kdd", root)[0])
    verdicts, rows = judged(factory, stream, learn=False)
    score, label = ranked(verdicts.score)[rows], stream.label[rows]
    test = stream.test
    online = roc_auc(ranked(judged(factory, test)[0].score), test.label)
    frozen = roc_auc(BASELINES["frozen_z"](stream)[rows], label)
    trees = roc_auc(BASELINES["half_space_trees"](test), test.label)
    return [
        Figure.of("detection.nsl_kdd.auc", roc_auc(score, label), "AUC", peer="frozen_z", peer_value=frozen, bar=0.95),
        Figure.of("detection.nsl_kdd.f1", point_counts(flagged(verdicts)[rows], label).f1, "F1"),
        Figure.of("detection.nsl_kdd.best_f1", best_f1(score, label).f1, "F1"),
        Figure.of("detection.nsl_kdd.prequential_auc", online, "AUC", peer="half_space_trees", peer_value=trees),
    ]
