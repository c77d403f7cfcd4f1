"""What a road is bound to: the arrays of one shard, those of the events on it, and the desk between its stages."""

from typing import NamedTuple

from snnlab.detectors.judgement import Judgement
from snnlab.encoders.columns import BoundCodes
from snnlab.features.aggregates import Keyed
from snnlab.reservoirs.engines.native.frame import Frame
from snnlab.reservoirs.engines.native.together import Together
from snnlab.types import Array

__all__ = ["Desk", "Look", "Passage", "Road", "SharedEngine", "Timing", "Viewing"]


class Timing(NamedTuple):
    """The entities' clocks and habits, and what the domain's clock says."""

    last: Array
    heard: Array
    gaps: Array
    us_per_tick: float
    cap: int
    lateness_us: int
    ticks: int
    together: bool


class Viewing(NamedTuple):
    """What one readout sees: these numbers, categories and codes, put beside each other on its own desk, or all."""

    whole: bool
    numbers: Array
    categories: Array
    codes: Array
    own_numbers: Array
    own_categories: Array
    own_codes: Array


class Look(NamedTuple):
    """What stands before the reservoir."""

    timing: Timing
    features: tuple[Keyed, ...]
    categories: Array
    """Which words are features."""
    coded: Array
    """Which features, numbers before categories, have a compiled code."""
    codes: BoundCodes


class SharedEngine(NamedTuple):
    """The native engine where the events of a tick are one input to the shard's one network."""

    frame: Frame
    together: Together
    pattern: Array
    """Of the last tick that was run."""


class Road(NamedTuple):
    """A detector's plan bound to the arrays of one shard.

    Every part is a frame of its own, one pointer: parts of a kind are compiled once, whatever road they stand in.
    """

    look: Frame
    """Of a :class:`Look`, and the desk."""
    engine: "Frame | SharedEngine | None"
    """The native engine's, or None without a reservoir."""
    neurons: int
    views: tuple[Frame, ...]
    """Of each readout as bound, and its :class:`Viewing`."""
    judge: Frame
    """Of :class:`.judgement.JudgeArrays`, and the ring."""


class Passage(NamedTuple):
    """``n`` events on their way: what comes in, their input spikes, and room for what is said of them."""

    times: Array
    values: Array
    rows: Array
    entities: Array
    marks: Array
    words: Array
    address: Array
    tick: Array
    out: Judgement
    pattern: Array


class Desk(NamedTuple):
    """Arrays of as many rows as a micro-batch has events, written by one stage and read by the next."""

    gap: Array
    lateness: Array
    seconds: Array
    numbers: Array
    categories: Array
    picked: Array
    codes: Array
    ptr: Array
    neuron: Array
    spike_count: Array
    evidence: Array
    ran: Array
    """Where events come together: whether a tick was run before an event. ``gap`` then holds ticks since 1970."""
