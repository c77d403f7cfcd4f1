"""One shard: what it has learnt, the state of its entities, and the road from events to judgement."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from snnlab.detectors.absence import Silence, fresh_habits, silences
from snnlab.detectors.attached import BUCKETS, TOGETHER, AttachedRoad, memory_of, under
from snnlab.detectors.columns import Columns
from snnlab.detectors.outcome import Outcome
from snnlab.detectors.plan import Plan
from snnlab.detectors.pool import EntityPool
from snnlab.detectors.recall import fresh_recall, place_of, recalled
from snnlab.errors import ModelFormatError
from snnlab.events.columns import Single
from snnlab.features.clock import UNSEEN
from snnlab.reservoirs.engines.native.together import fresh_together
from snnlab.types import Arrays

__all__ = ["Shard"]

_FIRST_ROWS = 16


@dataclass
class Shard:
    """A shard owns its Learned (shared by its entities) and its State (a row each); both are named arrays."""

    plan: Plan
    learnt: Arrays
    state: Arrays
    pool: EntityPool = field(default_factory=EntityPool)
    _roads: dict[tuple[tuple[str, ...], tuple[str, ...]], AttachedRoad] = field(default_factory=dict, repr=False)

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
        self._roads.clear()
        for view in ("_readouts", "_recall"):
            self.__dict__.pop(view, None)

    @property
    def rows(self) -> Arrays:
        """The arrays of its state that have a row for each entity."""
        return {name: array for name, array in self.state.items() if _is_row(name)}

    def process(self, events: Columns, *, learn: bool) -> Outcome:
        """Judge this shard's events in order, and learn from them when ``learn``; a micro-batch at a time."""
        step, n = self.plan.domain.network.performance.batch_size, events.times.size
        if n <= step:
            return self._judge(events, learn)
        pieces = (events.part(slice(at, min(at + step, n))) for at in range(0, n, step))
        return Outcome.following([self._judge(piece, learn) for piece in pieces])

    def alone(self, event: Single, layout: tuple[tuple[str, ...], tuple[str, ...]], *, learn: bool) -> Outcome | None:
        """Judge one event, and learn from it when ``learn``; None where it must come as a batch."""
        return self._road(layout).alone(event, self.pool, learn=learn)

    def _judge(self, events: Columns, learn: bool) -> Outcome:
        """Judge a micro-batch, in pieces within which no state row changes hands."""
        n, start = events.times.size, 0
        parts: list[Outcome] = []
        rows = np.empty(n, np.int32)
        while True:
            stop, taken = self.pool.place(events.owners, rows, start)
            self._grow()
            if taken:
                self._forget(int(rows[start]))
            road = self._road(events.layout)
            if stop - start == n:  # as nearly always: the whole at once
                return road.judge(events, rows, learn=learn)
            if stop > start:
                piece = slice(start, stop)
                parts.append(road.judge(events.part(piece), rows[piece], learn=learn))
            start = stop
            if start == n:
                return Outcome.following(parts)

    def teach(self, event_id: str, *, normal: bool) -> bool:
        """Learn from a late label; False where the event is no longer remembered."""
        inputs = recalled(self._recall, event_id)
        if inputs is None:
            return False
        for view, (learnt, _) in zip(self.plan.views, self._readouts, strict=True):
            view.readout.teach(view.seen(inputs), learnt, normal=normal)
        self._reward(event_id, normal)
        return True

    def _reward(self, event_id: str, normal: bool) -> None:
        """A network that learns from rewards is paid for a true anomaly, and pays for a false alarm."""
        network, place = self.plan.network, place_of(self._recall, event_id)
        if network is None or not network.rewarded or place is None:
            return
        if not normal or self._recall["flagged"][place]:
            network.reward(under(self.learnt, "reservoir/"), -1.0 if normal else 1.0)

    def restart(self, *, clocks: bool = True) -> None:
        """Another stream begins: what came last in the old one precedes nothing; the entities' clocks start again."""
        self._roads.clear()
        self.pool.touch()
        for view, (_, memory) in zip(self.plan.views, self._readouts, strict=True):
            for name, rest in view.readout.episode.items():
                memory[name][:] = rest
        if clocks:
            for name, array in _fresh_ticks(self.plan).items():
                self.state[name][:] = array
            self.state["clock/last"][:] = UNSEEN
            self.state["clock/heard"][:] = UNSEEN

    def neurons_of(self, entity: str) -> Arrays:
        """The state of the network that an entity's events drive, by name; empty where there is none."""
        row = self.pool.rows.get(entity)
        if row is None or self.plan.network is None:
            return {}
        if self.plan.together:
            return {name: array[0] for name, array in under(self.state, f"{TOGETHER}reservoir/").items()}
        return {name: array[row] for name, array in under(self.state, "reservoir/").items()}

    def silences(self, until_us: int) -> list[Silence]:
        """Entities that have been silent for longer than their habit allows; nothing is changed."""
        habits = self.state["clock/heard"], self.state["clock/gaps"]
        return silences(self.pool.rows, *habits, until_us, self.plan.domain.threshold)

    def _road(self, layout: tuple[tuple[str, ...], tuple[str, ...]]) -> AttachedRoad:
        road = self._roads.get(layout)
        if road is None:
            road = self._roads[layout] = AttachedRoad(self.plan, self.learnt, self.state, layout)
        return road

    @cached_property
    def _readouts(self) -> list[tuple[Arrays, Arrays]]:
        count = len(self.plan.views)
        return [(under(self.learnt, f"readout{r}/"), memory_of(self.state, r)) for r in range(count)]

    @cached_property
    def _recall(self) -> Arrays:
        return under(self.state, "recall/")

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
        self.widen(min(capacity, self.pool.limit))

    def widen(self, capacity: int) -> None:
        """Make the arrays that have a row for each entity so many rows high."""
        wider = _fresh_state(self.plan, capacity)
        for name, array in wider.items():
            if _is_row(name):
                array[: len(self.state[name])] = self.state[name]
            else:
                wider[name] = self.state[name]
        self.state = wider
        self._roads.clear()
        self.__dict__.pop("_readouts", None)

    def _forget(self, row: int) -> None:
        for name, blank in self._blank.items():
            self.state[name][row] = blank


def _is_row(name: str) -> bool:
    """Whether an array has a row for each entity; windows over other keys do not."""
    return not name.startswith(("features/", "recall/", TOGETHER)) or name.startswith("features/entity.")


def _fresh_state(plan: Plan, capacity: int) -> Arrays:
    state: Arrays = {"clock/last": np.full(capacity, UNSEEN)}
    state |= {f"clock/{name}": array for name, array in fresh_habits(capacity).items()}
    state |= {f"recall/{name}": array for name, array in fresh_recall(plan.shape, plan.domain.recall).items()}
    state |= {f"features/{name}": array for name, array in plan.bank.fresh(capacity).items()}
    state |= {f"judge/{name}": array for name, array in plan.judge.remembered(capacity).items()}
    if plan.network is not None and not plan.together:
        state |= {f"reservoir/{name}": array for name, array in plan.network.fresh_state(capacity).items()}
    for at, view in enumerate(plan.views):
        kept = view.readout.remembered(view.shape, capacity)
        state |= {f"readout{at}/{name}": array for name, array in kept.items()}
    return state | _shared_state(plan)


def _shared_state(plan: Plan) -> Arrays:
    """What the shard remembers from tick to tick, where its events come together."""
    if plan.network is None or not plan.together:
        return {}
    state = {f"reservoir/{name}": array for name, array in plan.network.fresh_state(1).items()}
    for at, view in enumerate(plan.views):
        state |= {f"readout{at}/{name}": array for name, array in view.readout.between(view.shape).items()}
    return _fresh_ticks(plan) | {f"{TOGETHER}{name}": array for name, array in state.items()}


def _fresh_ticks(plan: Plan) -> Arrays:
    """No tick is open and none was run, where events come together."""
    if not plan.together:
        return {}
    ticks = fresh_together(plan.codes.inputs) | {"pattern": np.zeros(BUCKETS, np.float32)}
    return {f"{TOGETHER}{name}": array for name, array in ticks.items()}
