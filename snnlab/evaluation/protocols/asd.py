"""ASD: six application servers of 19 metrics; train on the unlabelled part, learn on while the test part is judged.

Source: Z. Li et al., InterFusion, KDD 2021 (data); VUS-PR with window 100 as in TSB-AD, NeurIPS 2024.
"""

from pathlib import Path

import numpy as np

from snnlab.evaluation.figures import Figure
from snnlab.evaluation.metrics import average_precision, vus_pr
from snnlab.evaluation.protocols.judging import Factory, judged, ranked, streams

__all__ = ["run"]

PEER = "smoothed_difference"


def run(factory: Factory, root: Path | None = None) -> list[Figure]:
    """``detection.asd.vus_pr`` and ``.ap``, means over the servers, and ``detection.asd.<server>.vus_pr``."""
    from snnlab.evaluation.baselines import BASELINES

    volumes, precisions, peers, each = [], [], [], []
    for part in streams("asd", root):
        verdicts, rows = judged(factory, part)
        score, label = ranked(verdicts.score)[rows], part.label[rows]
        volumes.append(vus_pr(score, label))
        precisions.append(average_precision(score, label))
        peers.append(vus_pr(BASELINES[PEER](part)[rows], label))
        each.append(
            Figure.of(f"detection.asd.{part.name}.vus_pr", volumes[-1], "VUS-PR", peer=PEER, peer_value=peers[-1])
        )
    mean, beside = float(np.mean(volumes)), float(np.mean(peers))
    return [
        Figure.of("detection.asd.vus_pr", mean, "VUS-PR", peer=PEER, peer_value=beside, bar=0.60),
        Figure.of("detection.asd.ap", float(np.mean(precisions)), "AP"),
        *each,
    ]
