"""NAB: 58 univariate metrics online, one threshold for all files, three profiles.

The ranked value is what the alarm neurons emitted. The benchmark chooses its one threshold on the labels; beside that
stands the score at the detector's own calibrated threshold, which no label has seen.

Source: A. Lavin, S. Ahmad, ICMLA 2015; data and windows of github.com/numenta/NAB.
"""

from pathlib import Path

import numpy as np

from snnlab.datasets.labelled import LabelledStream
from snnlab.evaluation.figures import Figure
from snnlab.evaluation.metrics import NabFile, nab
from snnlab.evaluation.protocols.judging import Factory, judged, ranked, streams

__all__ = ["files", "run"]

BARS = {"standard": 70.0}
PEER = "ewma_z"


def files(parts: list[LabelledStream]) -> list[NabFile]:
    """What flags are worth in each file; a file without windows has none."""
    return [NabFile.of(len(part), part.windows or []) for part in parts]


def run(factory: Factory, root: Path | None = None) -> list[Figure]:
    """``detection.nab.<profile>`` and ``detection.nab.<profile>.own_threshold``, in points of 100."""
    from snnlab.evaluation.baselines import BASELINES

    parts = streams("nab", root)
    worth = files(parts)
    verdicts = [judged(factory, part)[0] for part in parts]
    best = nab(worth, [ranked(v.alarm) for v in verdicts])
    own = nab(worth, [np.asarray(v.spoken, np.float64) for v in verdicts], threshold=1.0)
    peer = nab(worth, [BASELINES[PEER](part) for part in parts])
    figures = [
        Figure.of(
            f"detection.nab.{name}",
            result.score,
            "points",
            peer=PEER,
            peer_value=peer[name].score,
            bar=BARS.get(name),
        )
        for name, result in best.items()
    ]
    return figures + [
        Figure.of(f"detection.nab.{name}.own_threshold", result.score, "points") for name, result in own.items()
    ]
