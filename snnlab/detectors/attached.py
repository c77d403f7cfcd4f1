"""A detector's plan attached to the arrays of one shard, checked and bound once, so that a call costs little."""

from typing import final

import numpy as np
from jaxtyping import Float32, Int32, Int64

from snnlab.detectors.alone import Alone
from snnlab.detectors.columns import Columns
from snnlab.detectors.encoding import Encoded
from snnlab.detectors.judgement import Judgement
from snnlab.detectors.outcome import Outcome
from snnlab.detectors.plan import Plan
from snnlab.detectors.pool import EntityPool
from snnlab.detectors.recall import Ring
from snnlab.detectors.road import ALL, CLOCKS, FEATURES, READOUTS, travel
from snnlab.detectors.road_arrays import Desk, Look, Passage, Road, SharedEngine, Timing, Viewing
from snnlab.detectors.view import View
from snnlab.events.columns import Single
from snnlab.features.clock import Lateness
from snnlab.reservoirs.engines.native.engine import NativeAttached
from snnlab.reservoirs.engines.native.frame import Frame, frame_of
from snnlab.reservoirs.engines.native.together import Together
from snnlab.types import Array, Arrays

__all__ = ["BUCKETS", "TOGETHER", "AttachedRoad", "memory_of", "under"]

BUCKETS = 16
"""Buckets of neurons that a spike pattern tells of."""
TOGETHER = "together/"
"""Before the names of what a shard remembers from tick to tick, where its events come together."""
_REJECTED = int(Lateness.REJECTED)


@final
class AttachedRoad:
    """The road of a plan over ``learnt`` and ``state``, for events whose columns are ``layout``.

    It works on the very arrays that it was given: attach again where one of them is replaced. Its desk is its own, so
    one thread at a time may use it.
    """

    def __init__(
        self, plan: Plan, learnt: Arrays, state: Arrays, layout: tuple[tuple[str, ...], tuple[str, ...]]
    ) -> None:
        self._plan, self._codes = plan, under(learnt, "codes/")
        room = plan.domain.network.performance.batch_size
        self._desk = _desk(plan, room)
        self._address = np.empty((room, plan.codes.seats), np.int32)
        self._tick = np.empty_like(self._address)
        self._engine: NativeAttached | None = None
        if plan.network is not None:
            own = under(state, TOGETHER) if plan.together else state
            arrays = under(learnt, "reservoir/"), under(own, "reservoir/")
            self._engine = NativeAttached(plan.network, *arrays, plan.codes.volleys)
        self._frame = frame_of(_road(plan, learnt, state, layout, self._engine, self._desk), ())
        self._alone = Alone(self._frame, len(layout[0]), plan.bank.words, (self._address, self._tick), *self._blank(1))

    def judge(self, events: Columns, rows: Int32[np.ndarray, " n"], *, learn: bool) -> Outcome:
        """What the shard says of at most a micro-batch of events, whose entities have these rows."""
        stages = ALL if self._plan.codes.whole else CLOCKS | FEATURES
        judged, pattern = self._blank(rows.size)
        rejected = self._travel(events, rows, stages, learn, judged, pattern)
        if not rejected:
            self._finish(events, rows, learn, judged, pattern)
            return Outcome(judged, pattern)
        late = self._desk.lateness[: rows.size] == _REJECTED
        at = np.flatnonzero(~late)
        kept = Outcome(*self._kept(events.part(at), rows[at], self._desk.gap[at], learn))
        return Outcome.without(kept, np.flatnonzero(late), rows.size)

    def alone(self, event: Single, pool: EntityPool, *, learn: bool) -> Outcome | None:
        """What the shard says of one event; None where it must come as a batch, and nothing has happened yet."""
        if not self._plan.codes.whole:
            return None
        told = self._alone.judge(event, pool, learn=learn)
        if self._engine is not None and told is not None and not told.rejected.size:
            self._engine.tell()
        return told

    def _kept(
        self, events: Columns, rows: Int32[np.ndarray, " n"], gap: Int64[np.ndarray, " n"], learn: bool
    ) -> tuple[Judgement, Float32[np.ndarray, "n b"]]:
        """The road after the clocks, for the events that these did not reject."""
        judged, pattern = self._blank(rows.size)
        self._desk.gap[: rows.size] = gap
        stages = FEATURES | READOUTS if self._plan.codes.whole else FEATURES
        self._travel(events, rows, stages, learn, judged, pattern)
        self._finish(events, rows, learn, judged, pattern)
        return judged, pattern

    def _finish(
        self, events: Columns, rows: Int32[np.ndarray, " n"], learn: bool, judged: Judgement, pattern: Array
    ) -> None:
        """The codes that are not compiled, and the road after them."""
        if self._plan.codes.whole:
            return
        n, desk = rows.size, self._desk
        own = Encoded(self._address[:n], self._tick[:n], desk.codes[:n])
        values = np.concatenate((desk.numbers[:n], desk.categories[:n]), axis=1)
        ticks = self._plan.domain.clock.event_ticks
        spikes = self._plan.codes.join(own, values, self._codes, learn=learn, ticks=ticks)
        self._travel(events, rows, READOUTS, learn, judged, pattern, spikes)

    def _travel(
        self,
        events: Columns,
        rows: Int32[np.ndarray, " n"],
        stages: int,
        learn: bool,
        judged: Judgement,
        pattern: Array,
        spikes: Encoded | None = None,
    ) -> int:
        address, tick = (self._address, self._tick) if spikes is None else (spikes.address, spikes.tick)
        passage = Passage(
            events.times, events.values, rows, events.entities, events.marks, events.words, address, tick, judged,
            pattern,
        )  # fmt: skip
        rejected: int = travel(frame_of(self._frame, passage), learn, stages)
        if self._engine is not None and stages & READOUTS and not rejected:
            self._engine.tell()
        return rejected

    def _blank(self, n: int) -> tuple[Judgement, Float32[np.ndarray, "n b"]]:
        judge = self._plan.judge
        return Judgement.blank(n, judge.n_groups, len(judge.settings)), np.zeros((n, BUCKETS), np.float32)


def memory_of(state: Arrays, readout: int) -> Arrays:
    """What the readout of this number remembers, of entities and of the shard."""
    return under(state, f"readout{readout}/") | under(state, f"{TOGETHER}readout{readout}/")


def under(arrays: Arrays, prefix: str) -> Arrays:
    """The arrays whose names begin so, by the rest of their names."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _road(
    plan: Plan,
    learnt: Arrays,
    state: Arrays,
    layout: tuple[tuple[str, ...], tuple[str, ...]],
    engine: NativeAttached | None,
    desk: Desk,
) -> Road:
    clock = plan.domain.clock
    timing = Timing(
        state["clock/last"], state["clock/heard"], state["clock/gaps"],
        float(clock.us_per_tick), clock.gap_cap_ticks, clock.lateness_us, clock.event_ticks, plan.together,
    )  # fmt: skip
    look = Look(
        timing, plan.bank.bind(*layout, under(state, "features/")), plan.bank.chosen, plan.codes.coded,
        plan.codes.bind(under(learnt, "codes/")),
    )  # fmt: skip
    views = tuple(
        frame_of(
            view.readout.bind(under(learnt, f"readout{at}/"), memory_of(state, at)),
            _viewing(view, plan.shape.numbers, len(desk.gap)),
        )
        for at, view in enumerate(plan.views)
    )
    ring = Ring(*(state[f"recall/{name}"] for name in Ring._fields))
    judge = frame_of(plan.judge.bind(under(learnt, "judge/"), under(state, "judge/")), ring)
    return Road(frame_of(look, desk), _engine(plan, state, engine), plan.shape.neurons, views, judge)


def _engine(plan: Plan, state: Arrays, engine: NativeAttached | None) -> Frame | SharedEngine | None:
    if engine is None or not plan.together:
        return engine and engine.frame
    shared = under(state, TOGETHER)
    return SharedEngine(engine.frame, Together(shared["ticks"], shared["heard"]), shared["pattern"])


def _viewing(view: View, numbers: int, room: int) -> Viewing:
    rows, codes = 0 if view.whole else room, view.codes(numbers)
    return Viewing(
        view.whole,
        view.numbers,
        view.categories,
        codes,
        np.empty((rows, len(view.numbers))),
        np.empty((rows, len(view.categories)), np.int32),
        np.empty((rows, len(codes)), np.int32),
    )


def _desk(plan: Plan, room: int) -> Desk:
    shape, spikes = plan.shape, 0 if plan.network is None else room * plan.shape.neurons
    return Desk(
        gap=np.zeros(room, np.int64),
        lateness=np.zeros(room, np.int8),
        seconds=np.empty(room),
        numbers=np.empty((room, shape.numbers)),
        categories=np.empty((room, shape.categories), np.int32),
        picked=np.empty((room, len(plan.codes.coded))),
        codes=np.empty((room, shape.columns), np.int32),
        ptr=np.zeros(room + 1, np.int64),
        # room for every neuron in every event; memory is taken only as it is written
        neuron=np.empty(spikes, np.int32),
        spike_count=np.empty(spikes, np.uint8),
        evidence=np.empty((room, plan.judge.columns)),
        ran=np.zeros(room, np.uint8),
    )
