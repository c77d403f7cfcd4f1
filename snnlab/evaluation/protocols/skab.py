"""SKAB: 34 files of a water circulation rig; the first 400 rows of each train, the rest is pooled point by point.

Flagging everything scores an F1 of about 0.70 there, so F1 is always read beside the false-alarm rate.

Source: I. D. Katser, V. O. Kozitsin, Skoltech Anomaly Benchmark, 2020 (leaderboard protocol).
"""

from functools import reduce
from operator import add
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from snnlab.datasets.labelled import LabelledStream
from snnlab.evaluation.figures import Figure
from snnlab.evaluation.metrics import PointCounts, best_f1, point_counts
from snnlab.evaluation.protocols.judging import Factory, flagged, judged, ranked, streams

__all__ = ["run"]

PEER = "smoothed_max_z at twice its 99 % training quantile"


def run(factory: Factory, root: Path | None = None) -> list[Figure]:
    """``detection.skab.f1``, ``.far``, ``.mar`` (%) at the detector's own threshold, frozen after training.

    Beside them ``.best_f1``, at the one threshold for all files that is best on the labels, and ``.online_f1`` and
    ``.online_far``, where the detector learns on through the test rows.
    """
    parts = [part for part in streams("skab", root) if part.label.any()]
    frozen = [judged(factory, part, learn=False)[0] for part in parts]
    online = [judged(factory, part)[0] for part in parts]
    total, far = _pooled([flagged(verdicts) for verdicts in frozen], parts)
    peer, peer_far = _pooled([_peer_flags(part) for part in parts], parts)
    open_total, open_far = _pooled([flagged(verdicts) for verdicts in online], parts)
    everything, _ = _pooled([np.ones(len(part), bool) for part in parts], parts)
    scores = np.concatenate([ranked(v.score)[part.train :] for v, part in zip(frozen, parts, strict=True)])
    label = np.concatenate([part.label[part.train :] for part in parts])
    return [
        Figure.of("detection.skab.f1", total.f1, "F1", peer=PEER, peer_value=peer.f1, bar=0.78),
        Figure.of("detection.skab.far", far, "%", peer=PEER, peer_value=peer_far, bar=30, better="lower"),
        Figure.of("detection.skab.mar", 100 * total.mar, "%", peer=PEER, peer_value=100 * peer.mar, better="lower"),
        Figure.of("detection.skab.best_f1", best_f1(scores, label).f1, "F1"),
        Figure.of("detection.skab.online_f1", open_total.f1, "F1", peer="flag_everything", peer_value=everything.f1),
        Figure.of("detection.skab.online_far", open_far, "%", better="lower"),
    ]


def _pooled(flags: list[Bool[np.ndarray, " n"]], parts: list[LabelledStream]) -> tuple[PointCounts, float]:
    """Counts over the test rows of all files, and the false-alarm rate in %."""
    counts = [
        point_counts(flag[part.train :], part.label[part.train :]) for flag, part in zip(flags, parts, strict=True)
    ]
    total = reduce(add, counts)
    return total, 100 * total.far


def _peer_flags(part: LabelledStream) -> Bool[np.ndarray, " n"]:
    """The strongest plain detector: EMA, largest channel, a threshold from its own training rows."""
    from snnlab.evaluation.baselines.columns import ema, training_spread

    smooth = ema(part.events.values, 0.1)
    mean, spread = training_spread(smooth, part.train)
    worst = np.abs((smooth - mean) / spread).max(axis=1)
    return np.asarray(worst > 2.0 * np.quantile(worst[: part.train], 0.99))
