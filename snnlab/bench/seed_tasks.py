"""What :mod:`.seed` measures, each in a process of its own: training, and serving what was saved."""

import sys
from hashlib import sha256
from pathlib import Path
from time import perf_counter

from snnlab.config import NeuromorphicConfig
from snnlab.datasets.labelled import LabelledStream
from snnlab.detectors import Detector
from snnlab.events import EventBatch
from snnlab.types import Json

__all__ = ["DOMAIN", "promoted", "served", "spread", "trained"]

DOMAIN = "performance"
_HELD_OUT = 500
_HOUR_US = 3_600_000_000
_SINGLY = 200


def trained(config: str, model: str, events: int) -> Json:
    """Build a detector from the YAML file ``config``, train it and save it; what that took, and how it fires."""
    stream = _stream(events)
    begun = perf_counter()
    detector = Detector.for_events(DOMAIN, stream, config=NeuromorphicConfig.from_yaml(Path(config)))
    built = perf_counter() - begun
    quarter = events * 3 // 4
    detector.process(stream.slice(0, quarter))
    late = detector.process(stream.slice(quarter, events))
    taken = perf_counter() - begun - built
    size = len(detector.save(model))
    shard = detector.shards[0]
    return {
        "build_s": built,
        "train_s": taken,
        "bytes": size,
        "plain_bytes": sum(array.nbytes for part in (shard.learnt, shard.state) for array in part.values()),
        "rate": float(late.pattern.mean()),
        "target": detector.domain.network.learning.homeostasis.target_rate,
        "gain": float(shard.learnt["reservoir/homeostat"][0]),
        "after": _fingerprint(detector, stream.slice(events, events + _HELD_OUT)),
    }


def served(model: str, entities: int) -> Json:
    """Load a model, go on where its training ended, then score an event of each of ``entities``, and some singly."""
    begun = perf_counter()
    detector = Detector.load(model)
    loaded = perf_counter() - begun
    end = detector.n_events
    stream = _stream(end)
    after = _fingerprint(detector, stream.slice(end, end + _HELD_OUT))
    detector.process(spread(entities, lap=1))
    again = spread(entities, lap=2)
    for at in range(min(entities, _SINGLY)):
        detector.process(again.slice(at, at + 1))
    return {"load_s": loaded, "after": after, "peak_mb": _peak_mb(), "entities": len(detector.shards[0].pool)}


def promoted(model: str, folder: str) -> Json:
    """Register a model in a store below ``folder``, let it pass the gate, and fetch the champion again."""
    from snnlab.tracking import log_detector, promote
    from snnlab.tracking.loading import load_bytes

    uri, detector = f"sqlite:///{folder}/mlflow.db", Detector.load(model)
    log_detector(detector, "seed", trained_on=_labelled(detector.n_events).slice(0, detector.n_events), uri=uri)
    decision = promote("seed", _labelled(1_500, seed=2), uri=uri)
    same = load_bytes("models:/seed@champion", uri=uri) == Path(model).read_bytes()
    return {"promoted": decision.promoted, "same": same, "value": decision.challenger_value}


def spread(entities: int, lap: int) -> EventBatch:
    """One generated event for each of so many entities, ``lap`` hours after those that are trained on."""
    events = _stream(entities)
    part = events.slice(0, entities)
    return EventBatch.from_columns(
        part.values,
        list(part.names),
        timestamps=part.timestamps + int(events.timestamps.max() - events.timestamps.min()) + (24 + lap) * _HOUR_US,
        entities=[f"entity-{at}" for at in range(entities)],
        event_ids=[f"lap-{lap}-{at}" for at in range(entities)],
        categories={name: part.category(name).words() for name in part.category_names},
    )


def _stream(events: int) -> EventBatch:
    return _labelled(events).events


def _labelled(events: int, seed: int = 1) -> LabelledStream:
    from snnlab.datasets.generators import generate

    return generate(DOMAIN, seed=seed, events=events + _HELD_OUT)


def _fingerprint(detector: Detector, events: EventBatch) -> str:
    """Of the scores of these events and of what the detector has learnt after them."""
    found = sha256(detector.process(events).score.tobytes())
    for name, array in sorted(detector.shards[0].learnt.items()):
        found.update(name.encode() + array.tobytes())
    return found.hexdigest()


def _peak_mb() -> float:
    """Peak resident memory of this process in MB."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
