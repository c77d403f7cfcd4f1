"""SKAB: 34 files of a water circulation rig; the first 400 rows of each train, the rest is pooled point by point.

Flagging everything scores an F1 of about 0.70 there, so F1 is always read beside the false-alarm rate.

Source: I. D. Katser, V. O. Kozitsin, Skoltech Anomaly Benchmark, 2020 (leaderboard protocol).
"""

from functools import reduce
from operator import add
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Bool

from snnlab.datasets.labelled import LabelledStream
from snnlab.evaluation.figures import Figure
from snnlab.evaluation.metrics import PointCounts, best_f1, changepoint_nab, changes, point_counts
from snnlab.evaluation.protocols.judging import Factory, flagged, judged, ranked, streams

__all__ = ["run"]

PEER = "smoothed_max_z at twice its 99 % training quantile"


def run(factory: Factory, root: Path | None = None) -> list[Figure]:
    """``detection.skab.f1``, ``.far``, ``.mar`` (%) at the detector's own threshold, learning on through the test rows.

    Beside them ``.changepoint_nab`` (windows of 60 s after each change), ``.best_f1`` (the one threshold for all files
    that is best on the labels), and ``.frozen_f1`` and ``.frozen_far``, where learning ends with the training rows.
    """
    parts = [part for part in streams("skab", root) if part.label.any()]
    online = [judged(factory, part)[0] for part in parts]
    flags = [flagged(verdicts) for verdicts in online]
    still = [flagged(judged(factory, part, learn=False)[0]) for part in parts]
    plain = [_peer_flags(part) for part in parts]
    total, peer, frozen = _pooled(flags, parts), _pooled(plain, parts), _pooled(still, parts)
    everything = _pooled([np.ones(len(part), bool) for part in parts], parts)
    scores = np.concatenate([ranked(v.score)[part.train :] for v, part in zip(online, parts, strict=True)])
    label = np.concatenate([part.label[part.train :] for part in parts])
    figures: list[tuple[str, float, str, float, float | None, Literal["higher", "lower"]]] = [
        ("f1", total.f1, "F1", peer.f1, 0.78, "higher"),
        ("far", 100 * total.far, "%", 100 * peer.far, 30.0, "lower"),
        ("mar", 100 * total.mar, "%", 100 * peer.mar, None, "lower"),
        ("changepoint_nab", _changepoints(flags, parts), "points", _changepoints(plain, parts), None, "higher"),
        ("frozen_f1", frozen.f1, "F1", peer.f1, None, "higher"),
        ("frozen_far", 100 * frozen.far, "%", 100 * peer.far, None, "lower"),
    ]
    return [
        *(
            Figure.of(f"detection.skab.{name}", value, unit, peer=PEER, peer_value=beside, bar=bar, better=better)
            for name, value, unit, beside, bar, better in figures
        ),
        Figure.of(
            "detection.skab.best_f1",
            best_f1(scores, label).f1,
            "F1",
            peer="flag_everything",
            peer_value=everything.f1,
        ),
    ]


def _pooled(flags: list[Bool[np.ndarray, " n"]], parts: list[LabelledStream]) -> PointCounts:
    """Counts over the test rows of all files."""
    return reduce(
        add,
        [point_counts(flag[part.train :], part.label[part.train :]) for flag, part in zip(flags, parts, strict=True)],
    )


def _changepoints(flags: list[Bool[np.ndarray, " n"]], parts: list[LabelledStream]) -> float:
    """Standard NAB score of where flags begin and end, against the changepoints of the test rows."""
    predicted, true = [], []
    for flag, part in zip(flags, parts, strict=True):
        times, rows = part.events.timestamps, np.asarray(part.meta.get("changepoints", []), np.int64)
        predicted.append(times[part.train :][changes(flag[part.train :])])
        true.append(times[rows[rows >= part.train]])
    return changepoint_nab(predicted, true)["standard"]


def _peer_flags(part: LabelledStream) -> Bool[np.ndarray, " n"]:
    """The strongest plain detector: EMA, largest channel, a threshold from its own training rows."""
    from snnlab.evaluation.baselines.columns import ema, training_spread

    smooth = ema(part.events.values, 0.1)
    mean, spread = training_spread(smooth, part.train)
    worst = np.abs((smooth - mean) / spread).max(axis=1)
    return np.asarray(worst > 2.0 * np.quantile(worst[: part.train], 0.99))
