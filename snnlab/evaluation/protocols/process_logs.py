"""Process logs: Receipt and Sepsis with injected anomalies at nine ratios; online, judged by case.

A case's score is that of its most anomalous event; F1 is the best of any threshold, as the published results are.

Source: W. Guan et al., GAMA, Information Systems 124, 2024 (data and measure).
"""

from collections import defaultdict
from pathlib import Path

import numpy as np

from snnlab.evaluation.figures import Figure
from snnlab.evaluation.metrics import case_best_f1
from snnlab.evaluation.protocols.judging import Factory, judged, ranked, streams

__all__ = ["run"]

BARS = {"receipt": 0.65}


def run(factory: Factory, root: Path | None = None) -> list[Figure]:
    """``detection.process_logs.receipt_f1`` and ``.sepsis_f1``, means over the ratios, and what flagging all gives."""
    ours, plain = defaultdict(list), defaultdict(list)
    for part in streams("process_logs", root):
        log = str(part.meta["log"]).lower()
        case = part.events.entities.codes
        ours[log].append(case_best_f1(ranked(judged(factory, part)[0].score), part.label, case).f1)
        plain[log].append(case_best_f1(np.zeros(len(part)), part.label, case).f1)
    return [
        Figure.of(
            f"detection.process_logs.{log}_f1",
            float(np.mean(values)),
            "F1",
            peer="flag_everything",
            peer_value=float(np.mean(plain[log])),
            bar=BARS.get(log),
        )
        for log, values in sorted(ours.items())
    ]
