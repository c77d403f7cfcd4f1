"""Card precision at k: of the k cards an investigator checks each day, the share that is compromised."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from numpy.typing import ArrayLike

from snnlab.errors import ConfigError
from snnlab.evaluation.metrics.labelled import checked

__all__ = ["CardPrecision", "card_precision_at_k"]


@dataclass(frozen=True)
class CardPrecision:
    """Precision of each day, and the most that any order of cards could have reached."""

    by_day: Float64[np.ndarray, " d"]
    attainable: Float64[np.ndarray, " d"]

    @property
    def mean(self) -> float:
        """Mean over the days."""
        return float(self.by_day.mean())


def card_precision_at_k(
    score: ArrayLike, label: ArrayLike, card: ArrayLike, day: ArrayLike, k: int = 100, *, drop_found: bool = True
) -> CardPrecision:
    """Rank each day's cards by their highest score; the share of fraudulent ones among the first ``k``.

    ``card`` and ``day`` are an integer or a string an event. A card that was found (checked, and fraudulent) is
    blocked: with ``drop_found`` it does not come back on later days. Cards of equal score are ranked by their name.

    Source: Y.-A. Le Borgne et al., Reproducible Machine Learning for Credit Card Fraud Detection, 2022, chapter 4.

    Raises:
        ConfigError: ``k`` is less than 1.
        DataError: scores and labels do not fit each other.

    >>> result = card_precision_at_k([.9, .8, .7, .9, .1], [1, 0, 0, 1, 1], [1, 2, 3, 1, 2], [0, 0, 0, 1, 1], k=2)
    >>> result.by_day.tolist(), result.mean
    ([0.5, 0.5], 0.5)
    """
    if k < 1:
        raise ConfigError(f"k is {k}: at least one card a day is checked")
    scores, truth = checked(score, label)
    cards = np.unique(np.asarray(card), return_inverse=True)[1]
    days = np.unique(np.asarray(day), return_inverse=True)[1]
    blocked = np.zeros(int(cards.max(initial=-1)) + 1, bool)
    by_day, attainable = [], []
    for today in range(int(days.max(initial=-1)) + 1):
        rows = np.flatnonzero((days == today) & ~blocked[cards])
        top, of_card = np.unique(cards[rows], return_inverse=True)
        best = np.full(len(top), -np.inf)
        np.maximum.at(best, of_card, scores[rows])
        fraud = np.zeros(len(top), bool)
        np.logical_or.at(fraud, of_card, truth[rows])
        checked_today = np.argsort(-best, kind="stable")[:k]
        found = checked_today[fraud[checked_today]]
        by_day.append(len(found) / k)
        attainable.append(min(int(fraud.sum()), k) / k)
        if drop_found:
            blocked[top[found]] = True
    return CardPrecision(np.asarray(by_day), np.asarray(attainable))
