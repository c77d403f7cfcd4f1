"""What the reservoir and its plasticity are worth: the same road without the one or the other."""

from snnlab.datasets.labelled import LabelledStream
from snnlab.detectors import Detector
from snnlab.evaluation import evaluate_scores, run
from snnlab.evaluation.quality import Quality

__all__ = ["ABLATIONS", "ablations"]

ABLATIONS = {"no reservoir": {"reservoir": False}, "no plasticity": {"plasticity": False}}
"""Names of the ablations, and what each leaves out."""


def ablations(detector: Detector, stream: LabelledStream) -> dict[str, Quality]:
    """Quality on the rows after training of detectors like this one, less one part, that see only ``stream``.

    Each starts untrained, learns the training rows and goes on learning, so they compare with a detector that was
    trained on the same rows.
    """
    timed = bool(stream.meta.get("columns", {}).get("timestamp", True))
    scores = {}
    for name, without in ABLATIONS.items():
        fresh = Detector.for_events(detector.domain, stream.events, timed=timed, **without)
        scores[name] = run(fresh, stream).score[stream.train :]
    return evaluate_scores(scores, stream.label[stream.train :])
