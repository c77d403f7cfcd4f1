"""Lanes: the threads that shards work on, each shard always on the same one, so that its events keep their order."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property, partial
from os import cpu_count
from typing import NamedTuple

import numpy as np
from jaxtyping import Int64

from snnlab.detectors.columns import Columns
from snnlab.detectors.outcome import Outcome
from snnlab.detectors.routing import Router
from snnlab.detectors.shard import Shard
from snnlab.events.columns import Single

__all__ = ["Begun", "Lanes"]


class Begun(NamedTuple):
    """A batch that the shards are working on: where each one's events are in it, and what it will say of them."""

    n: int
    parts: list[tuple[Int64[np.ndarray, " k"], Future[Outcome]]]

    def outcome(self) -> Outcome:
        """What they say, once they have; raises what one of them raised."""
        done = [(at, part.result()) for at, part in self.parts]
        return done[0][1] if len(done) == 1 and len(done[0][0]) == self.n else Outcome.beside(done, self.n)


class Lanes:
    """The shards of a detector at work, on as many threads as there are processors and no more than there are shards.

    A batch that was begun is done before what is begun after it; shards do not wait for each other.
    """

    def __init__(self, shards: Sequence[Shard]) -> None:
        self._shards = shards

    def judge(self, events: Columns, *, learn: bool) -> Outcome:
        """What the shards say of a batch; one alone says it here and now, unless a thread works for it."""
        if len(self._shards) == 1 and "_threads" not in self.__dict__:
            return self._shards[0].process(events, learn=learn)
        return self.begin(events, learn=learn).outcome()

    def alone(self, event: Single, layout: tuple[tuple[str, ...], tuple[str, ...]], *, learn: bool) -> Outcome | None:
        """What a shard that is the only one, and for which no thread works, says of one event here and now, if it can.

        None where the event must come as a batch.
        """
        if len(self._shards) > 1 or "_threads" in self.__dict__:
            return None
        return self._shards[0].alone(event, layout, learn=learn)

    def begin(self, events: Columns, *, learn: bool) -> Begun:
        """Give each shard its events of a batch."""
        n = events.times.size
        if len(self._shards) == 1:
            return Begun(n, [(np.arange(n), self._send(0, events, learn))])
        shard = self._router.route(events.owners)
        places = [np.flatnonzero(shard == s) for s in range(len(self._shards))]
        busy = [(s, at) for s, at in enumerate(places) if len(at)] or [(0, places[0])]
        return Begun(n, [(at, self._send(s, events.part(at), learn)) for s, at in busy])

    def _send(self, shard: int, events: Columns, learn: bool) -> Future[Outcome]:
        thread = self._threads[shard % len(self._threads)]
        return thread.submit(partial(self._shards[shard].process, events, learn=learn))

    @cached_property
    def _router(self) -> Router:
        return Router(len(self._shards))

    @cached_property
    def _threads(self) -> list[ThreadPoolExecutor]:
        count = min(len(self._shards), cpu_count() or 1)
        return [ThreadPoolExecutor(1, thread_name_prefix=f"shard-{at}") for at in range(count)]
