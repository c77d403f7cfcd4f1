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

__all__ = ["Fitted", "Training", "fit", "learn_from", "normal_part", "train", "training_part"]


@dataclass(frozen=True)
class Fitted:
    """A detector after one pass over a stream: events it learnt from, and those left out as labelled anomalous."""

    detector: Detector
    events: int
    left_out: int
    flagged: int
    rejected: int
    seconds: float

    def to_json(self) -> Json:
        """Counts and speed."""
        return {
            "events": self.events,
            "left_out": self.left_out,
            "flagged": self.flagged,
            "rejected": self.rejected,
            "events_per_second": round(self.events / max(self.seconds, 1e-9)),
        }


@dataclass(frozen=True)
class Training(Result):
    """A detector that was trained, the version it was registered as, and what the pass was like."""

    fitted: Fitted
    version: ModelVersion

    @property
    def detector(self) -> Detector:
        """The detector, as training left it."""
        return self.fitted.detector

    @property
    def events(self) -> int:
        """How many events it learnt from."""
        return self.fitted.events

    @property
    def rejected(self) -> int:
        """How many events it could not score."""
        return self.fitted.rejected

    def to_json(self) -> Json:
        """Names, counts and speed."""
        return {
            "model": self.version.uri,
            "domain": self.version.domain,
            "digest": self.version.digest,
            "run_id": self.version.run_id,
            **self.fitted.to_json(),
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

    The training part is the first ``stream.train`` rows, or everything where none are marked; rows labelled anomalous
    are left out. ``network`` changes
    settings of the domain's network by dotted names (``{"reservoir.neurons": 1000}``); ``reservoir`` and
    ``plasticity`` are the ablations. ``save`` also writes the .snn file there. The detector is as training left it.
    Raises ConfigError for settings that cannot be used, EventError where there is nothing to learn from.
    """
    chosen = named_domain(domain) if isinstance(domain, str) else domain
    part = training_part(stream)
    detector = _fresh(chosen, part, seed, network, reservoir=reservoir, plasticity=plasticity)
    with run(name or chosen.name, f"train {name or chosen.name}", uri=uri) as opened:
        opened.params({"data": stream.name, "reservoir": reservoir, "plasticity": plasticity})
        done = learn_from(detector, part, opened, name=name or chosen.name, alias=alias, uri=uri)
    if save is not None:
        detector.save(save)
    return done


def fit(
    domain: str | Domain,
    stream: LabelledStream,
    *,
    seed: int | None = None,
    reservoir: bool = True,
    plasticity: bool = True,
    network: Mapping[str, object] | None = None,
) -> Fitted:
    """The same pass without tracking: nothing is logged and nothing registered. Raises as ``train`` does.

    >>> from snnlab.datasets.generators import generate
    >>> fit("sensor", generate("sensor", seed=1, events=1000)).events
    300
    """
    chosen = named_domain(domain) if isinstance(domain, str) else domain
    part = training_part(stream)
    return _fitted(_fresh(chosen, part, seed, network, reservoir=reservoir, plasticity=plasticity), part)


def _fresh(
    domain: Domain,
    part: LabelledStream,
    seed: int | None,
    network: Mapping[str, object] | None,
    *,
    reservoir: bool,
    plasticity: bool,
) -> Detector:
    config = domain.network.replace(network) if network else None
    timed = bool(part.meta.get("columns", {}).get("timestamp", True))
    return Detector.for_events(
        domain, part.events, timed=timed, seed=seed, reservoir=reservoir, plasticity=plasticity, config=config
    )


def _fitted(detector: Detector, part: LabelledStream) -> Fitted:
    normal = normal_part(part)
    begun = time.monotonic()
    verdicts = prequential(detector, normal, learn=True)
    return Fitted(
        detector=detector,
        events=len(normal),
        left_out=len(part) - len(normal),
        flagged=int(verdicts.anomaly.sum()),
        rejected=int(np.isnan(verdicts.score).sum()),
        seconds=time.monotonic() - begun,
    )


def normal_part(stream: LabelledStream) -> LabelledStream:
    """The rows that are not labelled anomalous: a detector of anomalies learns what is normal.

    Raises EventError where none is left.
    """
    if not stream.label.any():
        return stream
    rows = np.flatnonzero(stream.label == 0)
    if not len(rows):
        raise EventError(f"every event of {stream.name!r} is labelled anomalous; give some normal ones to learn from")
    return LabelledStream(stream.name, stream.events.take(rows), stream.label[rows], meta=stream.meta)


def training_part(stream: LabelledStream) -> LabelledStream:
    """The rows marked for training, or all where none are. Raises EventError where there are none at all."""
    part = stream.training if stream.train else stream
    if not len(part):
        raise EventError(f"{stream.name!r} has no events to train on; give a file or a stream that has some")
    return part


def learn_from(
    detector: Detector, part: LabelledStream, opened: RunLog, *, name: str, alias: str | None, uri: str | None
) -> Training:
    """One pass over the normal rows, logged to the open run; the detector is registered as it then is."""
    fitted = _fitted(detector, part)
    opened.metrics({f"train.{name}": value for name, value in fitted.to_json().items()})
    opened.tags({"snnlab.data": part.name, "snnlab.data_digest": digest_of(part)})
    version = log_detector(detector, name, alias=alias, trained_on=part, uri=uri)
    return Training(fitted, version)
