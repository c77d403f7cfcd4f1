"""Online training of a model that this replica owns, as a job: on posted events, or on what a stream holds."""

from collections.abc import Callable, Iterator, Mapping

from snnlab.errors import ConfigError
from snnlab.events import EventBatch
from snnlab.serving.jobs import Job, Jobs, Progress
from snnlab.serving.models import Models
from snnlab.serving.topics import Topics
from snnlab.streams import Bus
from snnlab.types import Json

__all__ = ["Training"]

_TRAIN_BATCH = 1000  # events under one lock: scoring in between waits no longer than that

Pieces = Callable[[], Iterator[EventBatch]]


class Training:
    """Lets models learn in the background, one after the other."""

    def __init__(self, bus: Bus, models: Models, jobs: Jobs, topics: Topics) -> None:
        self._bus = bus
        self._models = models
        self._jobs = jobs
        self._topics = topics

    def begin(self, model_id: str, batch: EventBatch | None, stream: str | None, labels: Mapping[str, bool]) -> Job:
        """The job that trains a model. Raises ConfigError for a stream that is not there."""
        total, pieces = self._source(batch, stream)
        return self._jobs.submit(
            "train", model_id, lambda tell: self._train(model_id, pieces, labels, tell), total=total
        )

    def _source(self, batch: EventBatch | None, stream: str | None) -> tuple[int | None, Pieces]:
        if batch is not None:
            return len(batch), lambda: _cut(batch)
        if stream is not None:
            self._topics.check(stream)
        there = [info.name for info in self._bus.streams()]
        if stream is None or stream not in there:
            raise ConfigError(
                f"no stream {stream!r}; there are: {', '.join(there) or 'none'}. "
                "Publish events to it first, or post them"
            )
        return None, lambda: self._read(stream)

    def _read(self, stream: str) -> Iterator[EventBatch]:
        """All that a stream holds now, shard after shard: an entity's events are all in one, in order."""
        for shard, last in sorted(self._bus.positions(stream).items()):
            after: int | None = None
            while after is None or after < last:
                read = self._bus.consume(stream, shard, after, _TRAIN_BATCH)
                if not read:
                    break
                after = read[-1][0]
                yield from (batch for _, batch in read if len(batch))

    def _train(self, model_id: str, pieces: Pieces, labels: Mapping[str, bool], tell: Progress) -> Json:
        counts = dict.fromkeys(("events", "anomalies", "labels", "rejected"), 0)
        for piece in pieces():
            scorer = self._models.get(model_id).scorer  # a lease may be lost between two pieces
            found = scorer.score(piece, learn=True)
            counts["events"] += len(piece)
            counts["anomalies"] += len(found.anomalies)
            counts["rejected"] += len(found.rejected)
            counts["labels"] += scorer.label(found.verdicts, labels) if labels else 0
            tell(counts["events"])
        return {**counts, "version": str(self._models.keep(model_id).version)}


def _cut(batch: EventBatch) -> Iterator[EventBatch]:
    for start in range(0, len(batch), _TRAIN_BATCH):
        yield batch.slice(start, start + _TRAIN_BATCH)
