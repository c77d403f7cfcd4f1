"""The report of a run: every metric beside the baselines, by type, and beside the ablations."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from html import escape
from typing import Protocol

import numpy as np
from jaxtyping import Bool, Float64
from numpy.typing import ArrayLike

from snnlab.datasets.labelled import LabelledStream
from snnlab.errors import ConfigError, DataError
from snnlab.evaluation.confusion import Confusion, confusion
from snnlab.evaluation.measuring import Cost
from snnlab.evaluation.quality import Alarms, Quality, TypeQuality, by_type
from snnlab.evaluation.tables import as_html, as_text, number
from snnlab.types import Json

__all__ = ["Judged", "Report", "evaluate", "evaluate_scores"]

COLUMNS = {
    "average_precision": "AP",
    "roc_auc": "ROC-AUC",
    "vus_pr": "VUS-PR",
    "best_range_f1": "best range F1",
    "best_f1": "best F1",
}


class Judged(Protocol):
    """What a report reads of verdicts, one row an event: Verdicts have it."""

    @property
    def score(self) -> Float64[np.ndarray, " n"]:
        """Higher is more anomalous; NaN where the event was rejected."""

    @property
    def anomaly(self) -> Bool[np.ndarray, " n"]:
        """Flagged at the detector's own threshold."""

    @property
    def type(self) -> Sequence[str]:
        """Named type; "" where not flagged."""


@dataclass(frozen=True)
class Report:
    """Everything that is said about one run. Prints as a table, and shows as one in a notebook."""

    name: str
    events: int
    anomalies: int
    rejected: int
    quality: Quality
    alarms: Alarms
    by_type: Mapping[str, TypeQuality]
    confusion: Confusion | None
    baselines: Mapping[str, Quality] = field(default_factory=dict)
    ablations: Mapping[str, Quality] = field(default_factory=dict)
    cost: Cost | None = None
    """Of the detector's run, where it was measured."""

    def with_ablations(self, ablations: Mapping[str, Quality]) -> "Report":
        """This report with the detector's ablations beside it (no reservoir, no plasticity)."""
        return replace(self, ablations=dict(ablations))

    def with_cost(self, cost: Cost | None) -> "Report":
        """This report with what the detector's run took; the energies in it are estimates."""
        return replace(self, cost=cost)

    def to_json(self) -> Json:
        """Nested plain numbers; what could not be measured is null."""
        whole: Json = asdict(replace(self, confusion=None))
        whole["cost"] = self.cost.figures() if self.cost else None
        whole["confusion"] = self.confusion.to_json() if self.confusion else None
        plain: Json = json.loads(json.dumps(whole, default=dict), parse_constant=lambda _: None)
        return plain

    def tables(self) -> list[tuple[str, list[list[str]]]]:
        """Titled tables, each a header row and rows of text."""
        scores = [["score", *COLUMNS.values()], _row("detector", self.quality)]
        scores += [_row(name, quality) for name, quality in self.ablations.items()]
        scores += [_row(name, quality) for name, quality in self.baselines.items()]
        title = f"{self.name}: {self.events} events, {self.anomalies} anomalies"
        alarms = [["at its own threshold", "value"]]
        alarms += [[name.replace("_", " "), number(value)] for name, value in asdict(self.alarms).items()]
        if self.rejected:
            alarms.append(["rejected events (not scored)", str(self.rejected)])
        out = [(title, scores), ("alarms", alarms)]
        if self.by_type:
            types = [["type", "events", "flagged", "AP against normal", "AP against rest"]]
            types += [[name, *map(number, asdict(part).values())] for name, part in self.by_type.items()]
            out.append(("by type", types))
        if self.cost is not None:
            out.append(("cost; energies are estimates, static power left out", self.cost.rows()))
        return out

    def __str__(self) -> str:
        parts = [f"{title}\n{as_text(rows)}" for title, rows in self.tables()]
        if self.confusion is not None:
            parts.append(f"named types among detections ({_accuracy(self.confusion)})\n{self.confusion}")
        return "\n\n".join(parts)

    def _repr_html_(self) -> str:
        parts = [f"<h4>{escape(title)}</h4>{as_html(rows)}" for title, rows in self.tables()]
        if self.confusion is not None:
            heading = f"named types among detections ({_accuracy(self.confusion)})"
            parts.append(f"<h4>{escape(heading)}</h4>{self.confusion._repr_html_()}")
        return "".join(parts)


def evaluate(verdicts: Judged, stream: LabelledStream, baselines: Sequence[str] | None = None) -> Report:
    """Measure ``verdicts`` (of the whole stream, or of what follows its training rows) against the stream's labels.

    Training rows and rejected events are left out; baselines are judged on the same rows. VUS-PR, range F1 and the
    delay take rows in stream order as time. ``baselines`` names some of snnlab.evaluation.baselines (None: all).

    Raises:
        ConfigError: there is no baseline of that name.
        DataError: the verdicts are neither of the whole stream nor of the rows after training.
    """
    score, flag, named = _aligned(verdicts, stream)
    kept = ~np.isnan(score)
    kept[: stream.train] = False
    label, kind = np.asarray(stream.label), np.asarray(stream.kind, object)
    typed = any(stream.kind)
    return Report(
        name=stream.name,
        events=int(kept.sum()),
        anomalies=int(label[kept].sum()),
        rejected=int(np.isnan(score[stream.train :]).sum()),
        quality=Quality.of(score[kept], label[kept]),
        alarms=Alarms.of(flag[kept], label[kept], stream.events.timestamps[kept]),
        by_type=by_type(score[kept], flag[kept], named[kept], label[kept], kind[kept]) if typed else {},
        confusion=confusion(flag[kept], named[kept], kind[kept]) if typed else None,
        baselines=evaluate_scores(_baseline_scores(stream, baselines), label, kept),
    )


def evaluate_scores(
    scores: Mapping[str, ArrayLike], label: ArrayLike, rows: Bool[np.ndarray, " n"] | None = None
) -> dict[str, Quality]:
    """Quality of several scores of one stream, on the same ``rows``: for baselines and ablations.

    >>> evaluate_scores({"flag_everything": np.ones(4)}, [0, 0, 0, 1])["flag_everything"].average_precision
    0.25
    """
    truth = np.asarray(label)
    kept = np.ones(len(truth), bool) if rows is None else rows
    return {name: Quality.of(np.nan_to_num(np.asarray(s, float)[kept]), truth[kept]) for name, s in scores.items()}


def _aligned(
    verdicts: Judged, stream: LabelledStream
) -> tuple[Float64[np.ndarray, " n"], Bool[np.ndarray, " n"], np.ndarray]:
    """Score, flag and named type of every event of the stream; NaN where training rows were given no verdict."""
    rows, given = len(stream.events), len(verdicts.score)
    if given not in {rows, rows - stream.train}:
        raise DataError(
            f"{given} verdicts for {rows} events, {stream.train} of them for training: "
            "evaluate the verdicts of one run over this stream"
        )
    score, flag, named = np.full(rows, np.nan), np.zeros(rows, bool), np.full(rows, "", object)
    score[rows - given :], flag[rows - given :], named[rows - given :] = verdicts.score, verdicts.anomaly, verdicts.type
    return score, flag, named


def _baseline_scores(stream: LabelledStream, names: Sequence[str] | None) -> dict[str, Float64[np.ndarray, " n"]]:
    from snnlab.evaluation.baselines import BASELINES

    unknown = sorted(set(names or ()) - set(BASELINES))
    if unknown:
        raise ConfigError(f"no baseline is called {unknown[0]!r}; there are {', '.join(BASELINES)}")
    return {name: BASELINES[name](stream) for name in (BASELINES if names is None else names)}


def _row(name: str, quality: Quality) -> list[str]:
    return [name, *(number(getattr(quality, column)) for column in COLUMNS)]


def _accuracy(table: Confusion) -> str:
    return f"accuracy {number(table.accuracy)}, mean over types {number(table.mean_accuracy)}"
