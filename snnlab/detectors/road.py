"""The whole road in one compiled pass: clocks, features, codes, reservoir, readouts, judgement.

A pass goes over a micro-batch stage by stage; each stage is causal and only feeds those after it, so that the result is
that of one event after the other. It allocates nothing: between stages stands a desk of arrays that are there already.
"""

import numpy as np
from numba import literal_unroll, njit, types
from numba.extending import overload, register_jitable

from snnlab.detectors.absence import follow_gaps
from snnlab.detectors.judgement import judge_events
from snnlab.detectors.readouts.base import Inputs, surprises
from snnlab.detectors.recall import note, remember
from snnlab.encoders.columns import lay_spikes
from snnlab.features.aggregates import walk
from snnlab.features.following import follow_into
from snnlab.kernels import kernel, part
from snnlab.reservoirs.engines.native import kernels as native_kernels
from snnlab.reservoirs.engines.native.together import drive_together

__all__ = ["ALL", "CLOCKS", "FEATURES", "READOUTS", "travel"]

# ruff: noqa: ANN001, ANN201, ANN202, ARG001 - the types of a kernel are those it is compiled for
# mypy: disable-error-code="no-untyped-def, no-untyped-call"

CLOCKS, FEATURES, READOUTS = 1, 2, 4
"""The stages of a pass; encoders of a user's own run between the last two."""
ALL = CLOCKS | FEATURES | READOUTS


@njit(cache=True, nogil=True)
def travel(frame, learn, stages):
    """Take the events of a :class:`.road_arrays.Passage` along the ``stages``; returns how many the clocks reject.

    The frame is of the road's frame and of the passage. Where the clocks reject any, nothing after them has happened:
    call again without those events and without the clocks, their gaps at the head of the desk. The features' stage
    fills in the input spikes.
    """
    road = frame.arrays.arrays
    times, values, rows, entities, marks, words, address, tick, out, pattern = frame.scratch
    look, desk = road.look.arrays, road.look.scratch
    if stages & CLOCKS:
        rejected = _follow(look.timing, desk, times, rows)
        if rejected:
            return rejected
    if stages & FEATURES:
        _describe(look, desk, times, values, rows, words, address, tick, learn)
    if stages & READOUTS:
        n = times.size
        _run(road.engine, look.timing, desk, rows, address[:n], tick[:n], learn)
        judge = road.judge.arrays
        _clear(out, pattern)
        _ask(road.views, desk, rows, entities, judge.starts, learn)
        _conclude(judge, road.judge.scratch, desk, times, rows, entities, marks, road.neurons, learn, out, pattern)
        _carry(road.engine, desk.ran, pattern)
    return 0


@kernel
def _follow(timing, desk, times, rows):
    gap, lateness = desk.gap[: times.size], desk.lateness[: times.size]
    follow_gaps(rows, times, timing.heard, timing.gaps)
    rejected = follow_into(rows, times, timing.last, timing.us_per_tick, timing.cap, timing.lateness_us, gap, lateness)
    if timing.together:
        for t in range(times.size):
            gap[t] = np.int64(np.floor(times[t] / timing.us_per_tick))
    return rejected


@kernel
def _describe(look, desk, times, values, rows, words, address, tick, learn):
    """Features, and the spikes of those whose code is compiled."""
    n, chosen, coded = times.size, look.categories, look.coded
    numbers, categories, picked = desk.numbers[:n], desk.categories[:n], desk.picked[:n]
    for keyed in look.features:
        walk(times, rows, values, words, keyed, numbers)
    p = numbers.shape[1]
    for t in range(n):
        desk.seconds[t] = times[t] * 1e-6
        for c in range(chosen.size):
            categories[t, c] = words[t, chosen[c]]
        for q in range(coded.size):
            picked[t, q] = numbers[t, coded[q]] if coded[q] < p else np.float64(categories[t, coded[q] - p])
    lay_spikes(look.codes, picked, learn, look.timing.ticks, address[:n], tick[:n], desk.codes[:n])


@kernel
def _clear(out, pattern):
    """What is said of events begins at nothing."""
    out.score[:], out.alarm[:], out.word[:] = 0.0, 0.0, 0.0
    out.groups[:], out.rarities[:], pattern[:] = 0.0, 0.0, 0.0


@kernel
def _inputs(desk, rows, entities):
    n = rows.size
    return Inputs(
        rows, entities, desk.seconds[:n], desk.numbers[:n], desk.categories[:n], desk.codes[:n], desk.ptr[: n + 1],
        desk.neuron, desk.ran[:n],
    )  # fmt: skip


@kernel
def _conclude(judge, ring, desk, times, rows, entities, marks, neurons, learn, out, pattern):
    """From evidence to judgement, and what is kept of the events for labels that come late."""
    inputs = _inputs(desk, rows, entities)
    remember(ring, marks, inputs)
    judge_events(judge, desk.evidence[: times.size], rows, learn, out)
    note(ring, out.score, judge.threshold)
    _bucket(inputs.spike_start, inputs.spikes, neurons, pattern)


def _run(engine, timing, desk, rows, address, when, learn):
    """Drive the reservoir, if there is one."""
    raise NotImplementedError


@overload(_run)
def _run_of(engine, timing, desk, rows, address, when, learn):
    if isinstance(engine, types.NoneType):
        return _silence
    return _drive_together if isinstance(engine, types.BaseTuple) else _drive


@part
def _silence(engine, timing, desk, rows, address, when, learn):
    desk.ptr[: rows.size + 1] = 0


@register_jitable
def _drive(engine, timing, desk, rows, address, when, learn):
    # The desk has room for every neuron in every event, and the stages before give only what may be run.
    gap = desk.gap[: rows.size]
    native_kernels.drive(
        engine, rows, address, when, gap, 0, timing.ticks, learn, desk.ptr, desk.neuron, desk.spike_count
    )


@register_jitable
def _drive_together(engine, timing, desk, rows, address, when, learn):
    at = desk.gap[: rows.size]
    drive_together(engine.frame, engine.together, timing.cap, at, address, learn, desk.ptr, desk.neuron, desk.ran)


def _carry(engine, ran, pattern):
    """Where events come together, those of a tick have the pattern of the tick before."""
    raise NotImplementedError


@overload(_carry)
def _carry_of(engine, ran, pattern):
    return _held if isinstance(engine, types.BaseTuple) else _own


@part
def _own(engine, ran, pattern):
    pass


@part
def _held(engine, ran, pattern):
    for t in range(pattern.shape[0]):
        if ran[t]:
            engine.pattern[:] = pattern[t]
        else:
            pattern[t] = engine.pattern


@njit(cache=True, nogil=True)
def _ask(views, desk, rows, entities, starts, learn):
    """Each readout's evidence, in its own columns."""
    k = 0
    for view in literal_unroll(views):
        _surprise(view.arrays, view.scratch, desk, rows, entities, learn, starts[k], starts[k + 1])
        k += 1  # noqa: SIM113 - literal_unroll takes no enumerate


@kernel
def _surprise(bound, viewing, desk, rows, entities, learn, start, stop):
    evidence = desk.evidence[: rows.size, start:stop]
    for t in range(rows.size):
        for j in range(evidence.shape[1]):
            evidence[t, j] = 0.0
    surprises(bound, _seen(viewing, _inputs(desk, rows, entities)), learn, evidence)


@kernel
def _seen(viewing, inputs):
    """The part of the inputs that a readout sees."""
    n = inputs.rows.size
    numbers, categories, codes = inputs.numbers, inputs.categories, inputs.codes
    if not viewing.whole:
        numbers, categories, codes = viewing.own_numbers[:n], viewing.own_categories[:n], viewing.own_codes[:n]
        for t in range(n):
            for j in range(viewing.numbers.size):
                numbers[t, j] = inputs.numbers[t, viewing.numbers[j]]
            for j in range(viewing.categories.size):
                categories[t, j] = inputs.categories[t, viewing.categories[j]]
            for j in range(viewing.codes.size):
                codes[t, j] = inputs.codes[t, viewing.codes[j]]
    return Inputs(
        inputs.rows, inputs.entities, inputs.seconds, numbers, categories, codes, inputs.spike_start, inputs.spikes,
        inputs.ran,
    )  # fmt: skip


@kernel
def _bucket(ptr, neuron, neurons, out):
    """Share of each population bucket's neurons that fired for each event."""
    share = np.float32(out.shape[1] / max(neurons, 1))
    for t in range(out.shape[0]):
        for s in range(ptr[t], ptr[t + 1]):
            out[t, np.int64(neuron[s]) * out.shape[1] // neurons] += share
