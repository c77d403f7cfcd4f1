"""Retrain: the champion learns on from newer events, and the result has to pass the gate."""

from dataclasses import dataclass, replace

from snnlab.datasets.labelled import LabelledStream
from snnlab.errors import ModelNotFound
from snnlab.tracking import load_detector, registered, run
from snnlab.tracking.replays import later
from snnlab.types import Json
from snnlab.workflows.promote import Promotion, promote
from snnlab.workflows.results import Result
from snnlab.workflows.train import Training, learn_from, training_part

__all__ = ["Retraining", "retrain"]


@dataclass(frozen=True)
class Retraining(Result):
    """A champion that learnt on, and what the gate said about it."""

    training: Training
    promotion: Promotion

    def to_json(self) -> Json:
        """What the training and the promotion tell."""
        return {"training": self.training.to_json(), "promotion": self.promotion.to_json()}


def retrain(
    name: str,
    stream: LabelledStream,
    *,
    metric: str = "mean_ap",
    min_gain: float = 0.0,
    uri: str | None = None,
) -> Retraining:
    """Let ``NAME@champion`` learn on from the training part of ``stream``, register it as challenger, and promote it.

    The rows after training are the replay on which challenger and champion meet; where no rows are marked for
    training, the last 30 % are that replay. A stream from before what the
    champion has seen is moved on by whole weeks. Raises ModelNotFound where there is no champion.
    """
    champion = registered(name, "champion", uri=uri)
    if champion is None:
        raise ModelNotFound(f"model {name!r} has no @champion to retrain; train and promote one first")
    newer = later(_split(stream), champion.until_us)
    with run(name, f"retrain {name}", uri=uri) as opened:
        detector = load_detector(champion.uri, uri=uri)
        part = training_part(newer)
        opened.params({"data": newer.name, "started_from": champion.uri})
        training = learn_from(detector, part, opened, name=name, alias="challenger", uri=uri)
        promotion = promote(name, newer, metric=metric, min_gain=min_gain, uri=uri)
    return Retraining(training, promotion)


def _split(stream: LabelledStream) -> LabelledStream:
    """Neither model may be judged on what it learnt from: without a mark, the last rows are kept apart."""
    return stream if stream.train else replace(stream, train=int(0.7 * len(stream)))
