"""The promotion gate: a challenger replaces the champion only where it is not worse on the same held-out replay."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from statistics import fmean

from snnlab.errors import ConfigError
from snnlab.evaluation.report import Report

__all__ = ["METRICS", "Contest", "Decision", "check_metric", "decide", "measured"]


def _mean_ap(report: Report) -> float:
    """Mean over the types of AP of one type against the rest; plain AP where the types are not known."""
    known = [part.ap_against_rest for part in report.by_type.values() if math.isfinite(part.ap_against_rest)]
    return fmean(known) if known else report.quality.average_precision


METRICS: Mapping[str, Callable[[Report], float]] = {
    "mean_ap": _mean_ap,
    "average_precision": lambda report: report.quality.average_precision,
    "roc_auc": lambda report: report.quality.roc_auc,
    "vus_pr": lambda report: report.quality.vus_pr,
    "best_range_f1": lambda report: report.quality.best_range_f1,
    "best_f1": lambda report: report.quality.best_f1,
}
"""What a gate can compare; higher is better. ``mean_ap`` is the mean AP by type, each against the rest."""


@dataclass(frozen=True)
class Contest:
    """What is compared on what: the model, versions (``champion`` None where there is none yet), and the replay.

    ``data_digest`` is the SHA-256 of the replayed events and labels, ``at`` is µs since 1970 UTC.
    """

    name: str
    metric: str
    challenger: str
    champion: str | None
    data: str
    data_digest: str
    events: int
    at: int


@dataclass(frozen=True)
class Decision:
    """What the gate decided, and why. A value is None where it could not be measured or there was no champion."""

    name: str
    metric: str
    challenger: str
    champion: str | None
    challenger_value: float | None
    champion_value: float | None
    promoted: bool
    reason: str
    data: str
    data_digest: str
    events: int
    at: int

    @property
    def gain(self) -> float:
        """The challenger's value less the champion's; NaN without both."""
        if self.challenger_value is None or self.champion_value is None:
            return math.nan
        return self.challenger_value - self.champion_value

    def __str__(self) -> str:
        verb = "promoted" if self.promoted else "refused"
        return f"{self.name} version {self.challenger} {verb}: {self.reason}"

    def _repr_html_(self) -> str:
        return f"<p><b>{escape(str(self))}</b><br>on {escape(self.data)}, {self.events} events</p>"


def check_metric(metric: str) -> None:
    """Raise ConfigError for a metric that no gate knows."""
    if metric not in METRICS:
        raise ConfigError(f"metric {metric!r}; a gate can compare {', '.join(METRICS)}")


def measured(report: Report, metric: str) -> float:
    """The metric of a report. Raises ConfigError for a metric that no gate knows."""
    check_metric(metric)
    return float(METRICS[metric](report))


def decide(contest: Contest, challenger: Report, champion: Report | None, min_gain: float = 0.0) -> Decision:
    """Compare two reports of the same replay: not worse than the champion plus ``min_gain``, or no champion yet.

    A challenger whose metric cannot be measured, because the replay has no labelled anomaly, is refused.
    """
    value = measured(challenger, contest.metric)
    other = None if champion is None else measured(champion, contest.metric)
    promoted, reason = _verdict(contest, value, other, min_gain)
    return Decision(
        name=contest.name,
        metric=contest.metric,
        challenger=contest.challenger,
        champion=contest.champion,
        challenger_value=value if math.isfinite(value) else None,
        champion_value=other if other is not None and math.isfinite(other) else None,
        promoted=promoted,
        reason=reason,
        data=contest.data,
        data_digest=contest.data_digest,
        events=contest.events,
        at=contest.at,
    )


def _verdict(contest: Contest, value: float, other: float | None, min_gain: float) -> tuple[bool, str]:
    named = contest.metric
    if contest.challenger == contest.champion:
        return False, "it is the champion already"
    if not math.isfinite(value):
        return False, f"its {named} cannot be measured: {contest.data} has no labelled anomaly; replay labelled events"
    if other is None:
        return True, f"{named} {value:.4f}, and there was no champion"
    if not math.isfinite(other) or value >= other + min_gain:
        return True, f"{named} {value:.4f} against {other:.4f} of version {contest.champion}"
    least = f", at least {other + min_gain:.4f} is needed" if min_gain else ""
    return False, f"{named} {value:.4f} against {other:.4f} of version {contest.champion}{least}"
