"""Evaluate a model on what it has not seen: every metric beside the baselines, figures, and by type."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path

import numpy as np

from snnlab.datasets.labelled import LabelledStream
from snnlab.detectors import Verdicts
from snnlab.errors import DataError
from snnlab.evaluation import Report
from snnlab.evaluation import evaluate as judged
from snnlab.evaluation import measured as measured_cost
from snnlab.evaluation import run as prequential
from snnlab.tracking import RunLog, load_detector, run
from snnlab.tracking.flavour import version_of
from snnlab.tracking.gate import measured
from snnlab.tracking.replays import digest_of, following
from snnlab.types import Json
from snnlab.workflows.ablations import ablations as without_a_part
from snnlab.workflows.results import Result

__all__ = ["Evaluation", "evaluate"]


@dataclass(frozen=True)
class Evaluation(Result):
    """A report about a model on a replay, and the verdicts it is about."""

    model: str
    report: Report
    verdicts: Verdicts
    data: LabelledStream
    run_id: str

    @property
    def metrics(self) -> dict[str, float]:
        """The numbers that are tracked, by dotted names; those that are not finite are left out."""
        return _metrics(self.report)

    def to_json(self) -> Json:
        """The metrics, and what they are of."""
        about = {"model": self.model, "data": self.data.name, "run_id": self.run_id, "events": self.report.events}
        return {**about, **{name: _rounded(value) for name, value in self.metrics.items()}}

    def _repr_html_(self) -> str:
        return self.report._repr_html_()


def evaluate(
    model: str,
    stream: LabelledStream,
    *,
    learn: bool = True,
    baselines: Sequence[str] | None = None,
    ablations: bool = False,
    uri: str | None = None,
) -> Evaluation:
    """Replay what the model has not seen, and judge its verdicts.

    ``model`` is ``models:/NAME@ALIAS``, ``models:/NAME/VERSION`` or the path of a .snn file. Of the stream, the rows
    after training are judged; where they do not follow what the model was trained on, the stream is moved on by whole
    weeks. ``learn=False`` freezes the model; ``baselines`` names some of the baselines beside it (None: all);
    ``ablations`` adds detectors without a reservoir and without plasticity, trained on the same stream.
    Figures, report and metrics go to the MLflow run.
    Raises ModelNotFound, ModelFormatError, and DataError where the stream has no labels to judge by.
    """
    if not stream.labelled:
        raise DataError(f"{stream.name!r} has no labels to evaluate by; name their column with label, or use score")
    known = version_of(model, uri=uri) if str(model).startswith("models:/") else None
    if known is not None and digest_of(stream) == known.data_digest:
        raise DataError(f"{stream.name!r} is what {model} was trained on; evaluate it on events that it has not seen")
    name = known.name if known else Path(model).stem
    with run(name, f"evaluate {name}", uri=uri) as opened:
        detector = load_detector(model, uri=uri)
        replay = following(stream, known.until_us if known else None)
        with measured_cost(detector) as measuring:
            verdicts = prequential(detector, replay, learn=learn)
        report = judged(verdicts, replay, baselines=baselines).with_cost(measuring.cost)
        if ablations:
            report = report.with_ablations(without_a_part(detector, stream))
        done = Evaluation(str(model), report, verdicts, replay, opened.run_id)
        _log(opened, done, detector.threshold)
    return done


def _rounded(value: float) -> float:
    """Six decimals, and six digits of what is smaller than that: an energy is.

    >>> _rounded(0.12345678), _rounded(3.5512345e-8)
    (0.123457, 3.55123e-08)
    """
    return round(value, 6) if abs(value) >= 1e-3 else float(f"{value:.6g}")


def _metrics(report: Report) -> dict[str, float]:
    named = {f"detector.{key}": value for key, value in asdict(report.quality).items()}
    named |= {f"alarms.{key}": float(value) for key, value in asdict(report.alarms).items()}
    named["detector.mean_ap"] = measured(report, "mean_ap")
    for kind, part in report.by_type.items():
        named[f"type.{kind}.ap_against_rest"] = part.ap_against_rest
        named[f"type.{kind}.ap_against_normal"] = part.ap_against_normal
    if report.confusion is not None:
        named["detector.type_accuracy"] = report.confusion.mean_accuracy
    for baseline, quality in report.baselines.items():
        named[f"baseline.{baseline}.average_precision"] = quality.average_precision
    for ablation, quality in report.ablations.items():
        named[f"ablation.{ablation.replace(' ', '_')}.average_precision"] = quality.average_precision
    named |= report.cost.figures() if report.cost is not None else {}
    return {name: float(value) for name, value in named.items() if isfinite(value)}


def _log(opened: RunLog, done: Evaluation, threshold: float) -> None:
    from matplotlib import pyplot as plt

    from snnlab import viz

    opened.metrics(done.metrics)
    opened.params({"evaluated": done.model, "replay": done.data.name, "threshold": threshold})
    opened.tags({"snnlab.replay_digest": digest_of(done.data)})
    opened.document(done.report.to_json(), "report.json")
    opened.document(str(done.report), "report.txt")
    label = done.data.label
    score = np.nan_to_num(done.verdicts.score)
    drawn = {"scores": viz.plot_scores(score, timestamps=done.data.events.timestamps, label=label, threshold=threshold)}
    if label.any():
        drawn["precision_recall"] = viz.plot_precision_recall({"detector": score}, label)
    if done.report.confusion is not None:
        drawn["confusion"] = viz.plot_confusion(done.report.confusion)
    for name, axes in drawn.items():
        opened.figure(axes.figure, name)
        plt.close(axes.figure)
