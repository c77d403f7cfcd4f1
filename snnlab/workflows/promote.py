"""Promote the challenger of a model, if the gate lets it through."""

from snnlab.datasets.labelled import LabelledStream
from snnlab.errors import DataError, PromotionRefused
from snnlab.tracking import Decision, run
from snnlab.tracking import promote as contest
from snnlab.types import Json
from snnlab.workflows.results import Result

__all__ = ["Promotion", "promote"]


class Promotion(Result):
    """The gate's decision, to be shown and read again."""

    def __init__(self, decision: Decision) -> None:
        self.decision = decision

    def __repr__(self) -> str:
        return str(self.decision)

    def to_json(self) -> Json:
        """Who against whom, on what, with what outcome."""
        from dataclasses import asdict
        from math import isfinite

        gain = self.decision.gain
        return {**asdict(self.decision), "gain": gain if isfinite(gain) else None}


def promote(
    name: str,
    stream: LabelledStream,
    *,
    metric: str = "mean_ap",
    min_gain: float = 0.0,
    strict: bool = False,
    uri: str | None = None,
) -> Promotion:
    """Put ``NAME@challenger`` against ``NAME@champion`` on what neither has seen of ``stream``.

    A challenger that is not worse becomes @champion; the decision is in the promotion history either way, and logged
    to the MLflow run. A refusal is a result: with ``strict`` it is PromotionRefused instead.
    Raises ModelNotFound without a challenger, DataError for a stream without labels.
    """
    if not stream.labelled:
        raise DataError(f"{stream.name!r} has no labels to compare models by; name their column with label")
    with run(name, f"promote {name}", uri=uri) as opened:
        decision = contest(name, stream, metric=metric, min_gain=min_gain, uri=uri)
        values = {"challenger": decision.challenger_value, "champion": decision.champion_value}
        opened.metrics({f"gate.{who}": value for who, value in values.items() if value is not None})
        opened.tags({"snnlab.promoted": decision.promoted, "snnlab.reason": decision.reason})
        opened.document(Promotion(decision).to_json(), "decision.json")
    if strict and not decision.promoted:
        raise PromotionRefused(str(decision))
    return Promotion(decision)
