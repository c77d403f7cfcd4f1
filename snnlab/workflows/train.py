"""Train a detector: one pass over the training part of a stream, logged and registered as challenger."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from snnlab.datasets.labelled import LabelledStream
from snnlab.detectors import Detector
from snnlab.domains import Domain
from snnlab.domains import domain as named_domain
from snnlab.errors import EventError
from snnlab.evaluation import run as prequential
from snnlab.tracking import ModelVersion, RunLog, log_detector, run
from snnlab.tracking.replays import digest_of
from snnlab.types import Json
from snnlab.workflows.results import Result

__all__ = ["Training", "learn_from", "train", "training_part"]


@dataclass(frozen=True)
class Training(Result):
    """A detector that was trained, the version it was registered as, and what the pass was like."""

    detector: Detector
    version: ModelVersion
    events: int
    flagged: int
    rejected: int
    seconds: float

    def to_json(self) -> Json:
        """Names, counts and speed."""
        return {
            "model": self.version.uri,
            "domain": self.version.domain,
            "digest": self.version.digest,
            "run_id": self.version.run_id,
            "events": self.events,
            "flagged": self.flagged,
            "rejected": self.rejected,
            "events_per_second": round(self.events / max(self.seconds, 1e-9)),
        }


def train(
    domain: str | Domain,
    stream: LabelledStream,
    *,
    name: str | None = None,
    seed: int | None = None,
    reservoir: bool = True,
    plasticity: bool = True,
    network: Mapping[str, object] | None = None,
    alias: str | None = "challenger",
    save: Path | str | None = None,
    uri: str | None = None,
) -> Training:
    """Build a detector for the stream's columns, let it learn from the training part, and register it.

    The training part is the first ``stream.train`` rows, or everything where none are marked. ``network`` changes
    settings of the domain's network by dotted names (``{"reservoir.neurons": 1000}``); ``reservoir`` and
    ``plasticity`` are the ablations. ``save`` also writes the .snn file there. The detector is as training left it.
    Raises ConfigError for settings that cannot be used, EventError where there is nothing to learn from.
    """
    chosen = named_domain(domain) if isinstance(domain, str) else domain
    part = training_part(stream)
    config = chosen.network.replace(network) if network else None
    timed = bool(stream.meta.get("columns", {}).get("timestamp", True))
    detector = Detector.for_events(
        chosen, part.events, timed=timed, seed=seed, reservoir=reservoir, plasticity=plasticity, config=config
    )
    with run(name or chosen.name, f"train {name or chosen.name}", uri=uri) as opened:
        opened.params({"data": stream.name, "reservoir": reservoir, "plasticity": plasticity})
        done = learn_from(detector, part, opened, name=name or chosen.name, alias=alias, uri=uri)
    if save is not None:
        detector.save(save)
    return done


def training_part(stream: LabelledStream) -> LabelledStream:
    """The rows marked for training, or all where none are. Raises EventError where there are none at all."""
    part = stream.training if stream.train else stream
    if not len(part):
        raise EventError(f"{stream.name!r} has no events to train on; give a file or a stream that has some")
    return part


def learn_from(
    detector: Detector, part: LabelledStream, opened: RunLog, *, name: str, alias: str | None, uri: str | None
) -> Training:
    """One prequential pass with learning, logged to the open run; the detector is registered as it then is."""
    begun = time.monotonic()
    verdicts = prequential(detector, part, learn=True)
    seconds = time.monotonic() - begun
    rejected = int(np.isnan(verdicts.score).sum())
    opened.metrics(
        {
            "train.events": len(part),
            "train.flagged": int(verdicts.anomaly.sum()),
            "train.rejected": rejected,
            "train.events_per_second": len(part) / max(seconds, 1e-9),
        }
    )
    opened.tags({"snnlab.data": part.name, "snnlab.data_digest": digest_of(part)})
    version = log_detector(detector, name, alias=alias, trained_on=part, uri=uri)
    return Training(detector, version, len(part), int(verdicts.anomaly.sum()), rejected, seconds)
