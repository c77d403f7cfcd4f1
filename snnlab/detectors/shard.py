"""One shard: what it has learnt, the state of its entities, and the road from events to judgement."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numba
import numpy as np
from jaxtyping import Float32, Int32, Int64

from snnlab.detectors.absence import Silence, follow_habits, fresh_habits, silences
from snnlab.detectors.encoding import Encoded
from snnlab.detectors.judgement import Judgement
from snnlab.detectors.outcome import Outcome
from snnlab.detectors.plan import Plan
from snnlab.detectors.pool import EntityPool
from snnlab.detectors.readouts import Inputs
from snnlab.detectors.recall import fresh_recall, recalled, remember
from snnlab.errors import ModelFormatError
from snnlab.events import EventBatch
from snnlab.features import FeatureBlock
from snnlab.features.clock import UNSEEN, Lateness
from snnlab.features.symbols import symbols_of
from snnlab.reservoirs import Activity, engine
from snnlab.types import Array, Arrays

__all__ = ["Shard"]

BUCKETS = 16
_FIRST_ROWS = 16
_REJECTED = int(Lateness.REJECTED)


@dataclass
class Shard:
    """A shard owns its Learned (shared by its entities) and its State (a row each); both are named arrays."""

    plan: Plan
    learnt: Arrays
    state: Arrays
    pool: EntityPool = field(default_factory=EntityPool)

    @classmethod
    def fresh(cls, plan: Plan) -> "Shard":
        """A shard that has seen nothing."""
        learnt: Arrays = {f"codes/{name}": array for name, array in plan.codes.fresh().items()}
        learnt |= {f"judge/{name}": array for name, array in plan.judge.fresh().items()}
        if plan.network is not None:
            learnt |= {f"reservoir/{name}": array for name, array in plan.network.fresh_learned().items()}
        for at, view in enumerate(plan.views):
            learnt |= {f"readout{at}/{name}": array for name, array in view.readout.fresh(view.shape).items()}
        return cls(plan, learnt, _fresh_state(plan, _FIRST_ROWS), EntityPool(plan.max_entities))

    def restore(self, kept: Arrays, rows: dict[str, int]) -> None:
        """Take over arrays named ``learnt/…`` and ``state/…``, and the rows of entities.

        Raises:
            KeyError: an array is missing.
            ModelFormatError: one has another shape or type, or a row is outside the arrays, where compiled code would
                read past their end.
        """
        capacity = len(kept["state/clock/last"])
        for part, own in (("learnt", self.learnt), ("state", self.state)):
            for name, fresh in own.items():
                array = kept[f"{part}/{name}"]
                rowed = part == "state" and _is_row(name)
                shape = (capacity, *fresh.shape[1:]) if rowed else fresh.shape
                if array.shape != shape or array.dtype != fresh.dtype:
                    raise ModelFormatError(
                        f"the model has {part}/{name} as {array.dtype}{list(array.shape)} and not as "
                        f"{fresh.dtype}{list(shape)}; fetch or save the model again"
                    )
                own[name] = array
        if sorted(rows.values()) != list(range(len(rows))) or len(rows) > capacity:
            raise ModelFormatError(f"the model's {len(rows)} entities do not fit {capacity} rows; save the model again")
        self.pool = EntityPool(self.plan.max_entities, rows)

    def process(self, batch: EventBatch, *, learn: bool) -> Outcome:
        """Judge this shard's events in order, and learn from them when ``learn``; a micro-batch at a time."""
        step = self.plan.domain.network.performance.batch_size
        pieces = [batch] if len(batch) <= step else [batch.slice(at, at + step) for at in range(0, len(batch), step)]
        return Outcome.following(
            [self._judge(part, rows, learn) for piece in pieces for part, rows in self._placed(piece)]
        )

    def teach(self, event_id: str, *, normal: bool) -> bool:
        """Learn from a late label; False where the event is no longer remembered."""
        inputs = recalled(self._recall, event_id)
        if inputs is None:
            return False
        for view, (learnt, _) in zip(self.plan.views, self._readouts, strict=True):
            view.readout.teach(view.seen(inputs), learnt, normal=normal)
        return True

    def restart(self) -> None:
        """The entities' clocks start again."""
        self.state["clock/last"][:] = UNSEEN
        self.state["clock/heard"][:] = UNSEEN

    def silences(self, until_us: int) -> list[Silence]:
        """Entities that have been silent for longer than their habit allows; nothing is changed."""
        habits = self.state["clock/heard"], self.state["clock/gaps"]
        return silences(self.pool.rows, *habits, until_us, self.plan.domain.threshold)

    def _placed(self, batch: EventBatch) -> Iterator[tuple[EventBatch, Int32[np.ndarray, " n"]]]:
        """The batch in pieces within which no state row changes hands."""
        rows = self.pool.place(batch.entities)
        if rows is not None:
            self._grow()
            yield batch, rows
        elif len(batch) == 1:
            row, taken = self.pool.row(batch.entities.words()[0])
            self._grow()
            if taken:
                self._forget(row)
            yield batch, np.array([row], np.int32)
        else:
            middle = len(batch) // 2
            yield from self._placed(batch.slice(0, middle))
            yield from self._placed(batch.slice(middle, len(batch)))

    def _judge(self, batch: EventBatch, rows: Int32[np.ndarray, " n"], learn: bool) -> Outcome:
        gap, lateness = self.plan.domain.clock.follow(rows, batch.timestamps, self.state["clock/last"])
        follow_habits(rows, batch.timestamps, self.state["clock/heard"], self.state["clock/gaps"])
        kept = lateness != _REJECTED
        if kept.all():
            judgement, pattern = self._road(batch, rows, gap, learn)
            return Outcome(judgement, pattern, lateness)
        at = np.flatnonzero(kept)
        judgement, pattern = self._road(batch.take(at), rows[at], gap[at], learn)
        return Outcome.without(Outcome(judgement, pattern, lateness[at]), at, lateness)

    def _road(
        self, batch: EventBatch, rows: Int32[np.ndarray, " n"], gap: Int64[np.ndarray, " n"], learn: bool
    ) -> tuple[Judgement, Float32[np.ndarray, "n b"]]:
        """Features, spikes, reservoir, readouts, judgement."""
        plan = self.plan
        block = plan.bank.extract(batch, rows, self._features)
        numbers = np.ascontiguousarray(block.numbers)
        ticks = plan.domain.clock.event_ticks
        encoded = plan.codes.encode(numbers, block.symbols, self._codes, learn=learn, ticks=ticks)
        activity = self._drive(encoded, rows, gap, ticks, learn)
        inputs = self._inputs(batch, rows, block, numbers, encoded, activity)
        remember(self._recall, batch.event_ids, inputs)
        evidence = [
            view.readout.surprise(view.seen(inputs), learnt, memory, learn=learn)
            for view, (learnt, memory) in zip(plan.views, self._readouts, strict=True)
        ]
        judged = plan.judge.judge(
            evidence[0] if len(evidence) == 1 else np.concatenate(evidence, axis=1),
            rows, self._judge_learnt, self._judge_memory, learn=learn,
        )  # fmt: skip
        return judged, _pattern(activity, len(batch), plan.shape.neurons)

    def _drive(
        self, encoded: Encoded, rows: Int32[np.ndarray, " n"], gap: Int64[np.ndarray, " n"], ticks: int, learn: bool
    ) -> Activity:
        if self.plan.network is None:
            none = np.zeros(0, np.int32)
            return Activity(np.zeros(len(rows) + 1, np.int64), none, none.astype(np.uint8), 0, 0)
        learnt, state = self._reservoir
        return _ENGINE.drive(
            self.plan.network, learnt, state, rows, encoded.address, encoded.tick, gap, ticks=ticks, learn=learn
        )

    def _inputs(
        self,
        batch: EventBatch,
        rows: Int32[np.ndarray, " n"],
        block: FeatureBlock,
        numbers: np.ndarray,
        encoded: Encoded,
        activity: Activity,
    ) -> Inputs:
        entities = symbols_of(batch.entities)
        seconds = batch.timestamps * 1e-6
        return Inputs(rows, entities, seconds, numbers, block.symbols, encoded.words, activity.ptr, activity.neuron)

    def _view(self, arrays: Arrays, prefix: str) -> Arrays:
        return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}

    @cached_property
    def _codes(self) -> Arrays:
        return self._view(self.learnt, "codes/")

    @cached_property
    def _features(self) -> Arrays:
        return self._view(self.state, "features/")

    @cached_property
    def _reservoir(self) -> tuple[Arrays, Arrays]:
        return self._view(self.learnt, "reservoir/"), self._view(self.state, "reservoir/")

    @cached_property
    def _readouts(self) -> list[tuple[Arrays, Arrays]]:
        count = len(self.plan.views)
        return [(self._view(self.learnt, f"readout{r}/"), self._view(self.state, f"readout{r}/")) for r in range(count)]

    @cached_property
    def _recall(self) -> Arrays:
        return self._view(self.state, "recall/")

    @cached_property
    def _judge_learnt(self) -> Arrays:
        return self._view(self.learnt, "judge/")

    @cached_property
    def _judge_memory(self) -> Arrays:
        return self._view(self.state, "judge/")

    @cached_property
    def _blank(self) -> Arrays:
        return {name: array[0].copy() for name, array in _fresh_state(self.plan, 1).items() if _is_row(name)}

    def _grow(self) -> None:
        """Room for every entity in the pool: rows double, up to the pool's limit."""
        capacity = len(self.state["clock/last"])
        if len(self.pool) <= capacity:
            return
        while capacity < len(self.pool):
            capacity *= 2
        wider = _fresh_state(self.plan, min(capacity, self.pool.limit))
        for name, array in wider.items():
            if _is_row(name):
                array[: len(self.state[name])] = self.state[name]
            else:
                wider[name] = self.state[name]
        self.state = wider
        for view in ("_features", "_reservoir", "_readouts", "_judge_memory"):
            self.__dict__.pop(view, None)

    def _forget(self, row: int) -> None:
        for name, blank in self._blank.items():
            self.state[name][row] = blank


_ENGINE = engine("native")


def _is_row(name: str) -> bool:
    """Whether an array has a row for each entity; windows over other keys do not."""
    return not name.startswith(("features/", "recall/")) or name.startswith("features/entity.")


def _fresh_state(plan: Plan, capacity: int) -> Arrays:
    state: Arrays = {"clock/last": np.full(capacity, UNSEEN)}
    state |= {f"clock/{name}": array for name, array in fresh_habits(capacity).items()}
    state |= {f"recall/{name}": array for name, array in fresh_recall(plan.shape).items()}
    state |= {f"features/{name}": array for name, array in plan.bank.fresh(capacity).items()}
    state |= {f"judge/{name}": array for name, array in plan.judge.remembered(capacity).items()}
    if plan.network is not None:
        state |= {f"reservoir/{name}": array for name, array in plan.network.fresh_state(capacity).items()}
    for at, view in enumerate(plan.views):
        kept = view.readout.remembered(view.shape, capacity)
        state |= {f"readout{at}/{name}": array for name, array in kept.items()}
    return state


def _pattern(activity: Activity, n: int, neurons: int) -> Float32[np.ndarray, "n b"]:
    """Share of each population bucket's neurons that fired for each event."""
    out = np.zeros((n, BUCKETS), np.float32)
    _bucket(activity.ptr, activity.neuron, neurons, out)
    return out


@numba.njit(cache=True, nogil=True)
def _bucket(ptr: Array, neuron: Array, neurons: int, out: Array) -> None:
    share = np.float32(out.shape[1] / max(neurons, 1))
    for t in range(out.shape[0]):
        for s in range(ptr[t], ptr[t + 1]):
            out[t, np.int64(neuron[s]) * out.shape[1] // neurons] += share
