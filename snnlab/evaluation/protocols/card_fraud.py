"""Card fraud (simulated): June and July online, a card's label known seven days after its transaction.

Before each day the labels of the day seven days earlier are fed back: all frauds, and the flagged transactions that
turned out well. June is the run-in; July is judged by AP and by the precision among the 100 cards checked each day.

Source: Y.-A. Le Borgne et al., Reproducible Machine Learning for Credit Card Fraud Detection, 2022.
"""

from pathlib import Path
from typing import Any

import numpy as np

from snnlab.datasets.labelled import LabelledStream
from snnlab.detectors.verdicts import Verdicts
from snnlab.evaluation.figures import Figure
from snnlab.evaluation.metrics import average_precision, card_precision_at_k, roc_auc
from snnlab.evaluation.prequential import concatenated
from snnlab.evaluation.protocols.judging import Factory, ranked, streams

__all__ = ["delayed", "run"]

DAY_US = 86_400_000_000
DELAY_DAYS = 7
CARDS = 100


def run(factory: Factory, root: Path | None = None) -> list[Figure]:
    """``detection.card_fraud.ap``, ``.auc`` and ``.cp100``, over what follows the training month."""
    from snnlab.evaluation.baselines import BASELINES

    stream = streams("card_fraud", root)[0]
    score = ranked(delayed(factory(stream), stream).score)
    rows = slice(stream.train, None)
    label, day = stream.label[rows], (stream.events.timestamps // DAY_US)[rows]
    cards = stream.events.entities.codes[rows]
    peer = BASELINES["frozen_z"](stream)[rows]
    found = card_precision_at_k(score[rows], label, cards, day, CARDS)
    beside = card_precision_at_k(peer, label, cards, day, CARDS)
    return [
        Figure.of(
            "detection.card_fraud.ap",
            average_precision(score[rows], label),
            "AP",
            peer="frozen_z",
            peer_value=average_precision(peer, label),
        ),
        Figure.of(
            "detection.card_fraud.auc",
            roc_auc(score[rows], label),
            "AUC",
            peer="frozen_z",
            peer_value=roc_auc(peer, label),
        ),
        Figure.of("detection.card_fraud.cp100", found.mean, "share", peer="frozen_z", peer_value=beside.mean),
        Figure.of("detection.card_fraud.cp100_attainable", float(found.attainable.mean()), "share"),
    ]


def delayed(detector: Any, stream: LabelledStream, days: int = DELAY_DAYS) -> Verdicts:  # noqa: ANN401 - a Scorer with feedback
    """Verdicts of ``detector``, which learns each label ``days`` days after its event, before that day's events."""
    of_day = stream.events.timestamps // DAY_US
    starts = np.flatnonzero(np.diff(of_day, prepend=of_day[0] - 1))
    stops = np.append(starts[1:], len(stream))
    parts: list[Verdicts] = []
    for number, (start, stop) in enumerate(zip(starts, stops, strict=True)):
        if number >= days:
            early = number - days
            _feed_back(detector, stream, int(starts[early]), parts[early], at=int(of_day[start]) * DAY_US)
        parts.append(detector.process(stream.events.slice(int(start), int(stop)), learn=True))
    return concatenated(parts)


def _feed_back(detector: Any, stream: LabelledStream, start: int, verdicts: Verdicts, at: int) -> None:  # noqa: ANN401
    truth = stream.label[start : start + len(verdicts.event_id)] > 0
    for row in np.flatnonzero(truth | np.asarray(verdicts.anomaly, bool)):
        detector.feedback(verdicts.event_id[row], bool(truth[row]), at=at)
