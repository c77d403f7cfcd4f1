"""Challenger against champion on one held-out replay: decided by the gate, written to the history, aliased."""

import time

from snnlab.datasets.labelled import LabelledStream
from snnlab.errors import DataError, ModelNotFound
from snnlab.evaluation import Report, evaluate, run
from snnlab.tracking.connection import prepare, tracking_folder
from snnlab.tracking.flavour import ModelVersion, registered
from snnlab.tracking.gate import Contest, Decision, check_metric, decide
from snnlab.tracking.history import History
from snnlab.tracking.loading import load_detector
from snnlab.tracking.replays import digest_of, following

__all__ = ["history", "promote"]


def promote(
    name: str,
    stream: LabelledStream,
    *,
    metric: str = "mean_ap",
    min_gain: float = 0.0,
    uri: str | None = None,
) -> Decision:
    """Put the challenger of a model against its champion on ``stream``, and make it champion if it is not worse.

    Both learn as they go, from where training left them, on the same events after what either has seen. The decision
    is appended to the history beside the tracking store before the alias moves.
    Raises ModelNotFound where there is no challenger, DataError where one of the two was trained on ``stream``,
    ConfigError for an unknown metric.
    """
    check_metric(metric)
    chosen = prepare(uri)
    challenger, champion = (registered(name, alias, uri=chosen) for alias in ("challenger", "champion"))
    if challenger is None:
        raise ModelNotFound(f"model {name!r} has no @challenger; train it first: snnlab train --domain {name}")
    replay = _held_out(stream, challenger, champion)
    contest = Contest(
        name=name,
        metric=metric,
        challenger=challenger.version,
        champion=champion.version if champion else None,
        data=replay.name,
        data_digest=digest_of(replay),
        events=len(replay),
        at=time.time_ns() // 1000,
    )
    other = _report(champion, replay, chosen) if champion else None
    decision = decide(contest, _report(challenger, replay, chosen), other, min_gain)
    history(chosen).append(decision)
    if decision.promoted:
        import mlflow

        mlflow.MlflowClient().set_registered_model_alias(name, "champion", challenger.version)
    return decision


def history(uri: str | None = None) -> History:
    """The promotion history beside the tracking store."""
    return History(tracking_folder(prepare(uri)) / "history.db")


def _held_out(stream: LabelledStream, *versions: ModelVersion | None) -> LabelledStream:
    known = [version for version in versions if version is not None]
    for version in known:
        if version.data_digest == digest_of(stream):
            raise DataError(f"{version.uri} was trained on {stream.name!r}; compare on events that it has not seen")
    return following(stream, max((v.until_us for v in known if v.until_us is not None), default=None))


def _report(version: ModelVersion, replay: LabelledStream, uri: str) -> Report:
    return evaluate(run(load_detector(version.uri, uri=uri), replay), replay, baselines=())
