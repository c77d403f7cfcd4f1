"""Stream time to network time, and what becomes of events that come late.

A network runs in ticks. Between two events of an entity lies a gap, which the clock turns into ticks:

- ``per_event(k)``: time is the order of events. There is no gap, each event is ``k`` ticks.
- ``realtime``: a tick is ``tick_ms`` of stream time.
- ``scaled(x)``: ``x`` seconds of network time pass in each second of stream time.

**Together.** Each entity has a network's state and a time of its own, and an event is an input by itself. Where a clock
says ``together``, a shard has one state: all its events of one tick of stream time are one input to it, and each of
them is judged by what the ticks before had left there. Many events then cost the network one tick.

**Lateness.** An event earlier than the last of its entity by no more than ``lateness_us`` is late: it is processed at
the entity's clock, with a gap of 0, and the clock does not move back. One that is later still is rejected (a dead
letter). Entities have clocks of their own: one entity's delay never makes another's events late.
"""

from enum import IntEnum
from typing import Literal, Self

import numpy as np
from jaxtyping import Int8, Int32, Int64
from pydantic import BaseModel, ConfigDict, Field, model_validator

from snnlab.features.following import follow
from snnlab.features.readonly import readonly

__all__ = ["UNSEEN", "Clock", "Lateness"]

UNSEEN = int(np.iinfo(np.int64).min)
"""Time of the last event of an entity that has had none."""


class Lateness(IntEnum):
    """What the clock says of an event."""

    ON_TIME = 0
    LATE = 1
    REJECTED = 2


class Clock(BaseModel):
    """How stream time becomes ticks.

    Args:
        mode: ``per_event``, ``realtime`` or ``scaled``.
        event_ticks: ticks that each event's own input is run for; they stand outside stream time.
        scale: network seconds for each second of stream time (``scaled`` only).
        tick_ms: network time of one tick, in ms.
        gap_cap_ticks: the longest gap, in ticks; beyond it a network has forgotten.
        lateness_us: how far behind its entity's last event an event may come, in µs.
        together: whether the events of a shard that share a tick are one input to one network.

    Ticks are counted on one grid from 1970 on, so that gaps add up: the gap from a to c is that from a to b and from
    b to c, as long as no cap is met.

    >>> clock = Clock.scaled(0.001, tick_ms=1.0, lateness_us=5_000_000)
    >>> gap, verdict = clock.ticks(np.array([0, 9_000_000, 9_000_000]), np.array([60_000_000, 5_000_000, 3_000_000]))
    >>> gap.tolist(), verdict.tolist()
    ([60, 0, 0], [0, 1, 2])
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Literal["per_event", "realtime", "scaled"] = "per_event"
    event_ticks: int = Field(default=1, ge=1, le=10_000)
    scale: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    tick_ms: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    gap_cap_ticks: int = Field(default=10_000, ge=0)
    lateness_us: int = Field(default=60_000_000, ge=0)
    together: bool = False

    @model_validator(mode="after")
    def _has_ticks(self) -> Self:
        if self.together and (self.mode == "per_event" or self.event_ticks != 1):
            raise ValueError(
                f"events come together in ticks of stream time, of which a {self.mode!r} clock with {self.event_ticks} "
                "ticks an event has none; take realtime or scaled with event_ticks=1, or together=False"
            )
        return self

    @classmethod
    def per_event(cls, ticks: int = 1, *, lateness_us: int = 60_000_000) -> Self:
        """A clock of ``ticks`` ticks an event, whatever the time between them."""
        return cls(mode="per_event", event_ticks=ticks, lateness_us=lateness_us)

    @classmethod
    def realtime(
        cls, *, tick_ms: float = 1.0, event_ticks: int = 1, lateness_us: int = 60_000_000, together: bool = False
    ) -> Self:
        """A clock whose network lives in stream time."""
        return cls(
            mode="realtime", tick_ms=tick_ms, event_ticks=event_ticks, lateness_us=lateness_us, together=together
        )

    @classmethod
    def scaled(cls, scale: float, *, tick_ms: float = 1.0, event_ticks: int = 1, lateness_us: int = 60_000_000) -> Self:
        """A clock whose network lives ``scale`` seconds in each second of stream time."""
        return cls(mode="scaled", scale=scale, tick_ms=tick_ms, event_ticks=event_ticks, lateness_us=lateness_us)

    @property
    def us_per_tick(self) -> float:
        """Stream time of one tick in µs; infinite where stream time does not count."""
        if self.mode == "per_event":
            return float("inf")
        return self.tick_ms * 1000.0 / (self.scale if self.mode == "scaled" else 1.0)

    def ticks(
        self, last_us: Int64[np.ndarray, " n"], now_us: Int64[np.ndarray, " n"]
    ) -> tuple[Int64[np.ndarray, " n"], Int8[np.ndarray, " n"]]:
        """Gap in ticks, and ``Lateness``, of events at ``now_us`` whose entity was last seen at ``last_us``.

        Each event stands for itself; ``follow`` does the same for a batch in which an entity may come again.
        """
        first = last_us == UNSEEN
        behind = np.where(first, 0, np.where(first, 0, last_us) - now_us)
        verdict = np.where(behind <= 0, Lateness.ON_TIME, Lateness.LATE).astype(np.int8)
        verdict[behind > self.lateness_us] = Lateness.REJECTED
        gap = self._gap(np.where(first, now_us, last_us), now_us)
        return gap, verdict

    def follow(
        self, rows: Int32[np.ndarray, " n"], now_us: Int64[np.ndarray, " n"], last_us: Int64[np.ndarray, " e"]
    ) -> tuple[Int64[np.ndarray, " n"], Int8[np.ndarray, " n"]]:
        """Gaps and ``Lateness`` of a batch in order; moves ``last_us``, the clock of each entity's row, in place.

        A rejected event moves no clock; a late one does not move it back.

        >>> last = np.full(1, UNSEEN)
        >>> Clock.realtime(lateness_us=2000).follow(np.zeros(4, np.int32), np.array([0, 5000, 4000, 1000]), last)
        (array([0, 5, 0, 0]), array([0, 0, 1, 2], dtype=int8))
        >>> last
        array([5000])
        """
        at, now = readonly(rows, np.int64), readonly(now_us, np.int64)
        gap, verdict = follow(at, now, last_us, self.us_per_tick, self.gap_cap_ticks, self.lateness_us)
        return gap, verdict

    def advance(self, until_us: int, last_us: Int64[np.ndarray, " e"]) -> Int64[np.ndarray, " e"]:
        """Ticks that pass for each entity until ``until_us`` without an event; moves ``last_us`` there in place.

        An event older than ``until_us`` is late from then on. Entities that were never seen stay so.

        >>> last = np.array([1000, UNSEEN])
        >>> Clock.realtime().advance(9000, last), last[0]
        (array([8, 0]), np.int64(9000))
        """
        seen = last_us != UNSEEN
        moved = np.where(seen, np.maximum(last_us, until_us), last_us)
        gap = np.where(seen, self._gap(np.where(seen, last_us, until_us), np.where(seen, moved, until_us)), 0)
        last_us[:] = moved
        return gap

    def _gap(self, start_us: Int64[np.ndarray, " n"], stop_us: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
        step = self.us_per_tick
        if step == float("inf"):
            return np.zeros(len(stop_us), dtype=np.int64)
        passed = np.floor(stop_us / step) - np.floor(start_us / step)
        gap: Int64[np.ndarray, " n"] = np.clip(passed, 0, self.gap_cap_ticks).astype(np.int64)
        return gap
