"""The anomalies of a stream, read from the bus's topic of them, so that every replica tells the same."""

import asyncio
import json
import re
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress

from snnlab.events.anomaly import Anomaly
from snnlab.serving.application import Application
from snnlab.serving.websocket.limits import SocketLimits
from snnlab.streams.base import Told

__all__ = ["anomalies_after", "begin"]

_POSITION, _LAST = re.compile(r"-1|[0-9]{1,19}"), 2**63 - 1
_WAITING = 1000  # of what the bus told of; what does not find room is read from the bus


def begin(application: Application, stream: str, after: str | None) -> int:
    """The position after which a client wants a stream's anomalies; without one, the last there is now.

    Raises TopicForbidden for a stream that may not be named, BusError for one that is not there, and ValueError for
    what is no position.
    """
    application.topics.check(stream)
    if after is None:
        return application.bus.publish_anomalies(stream, [])
    if not _POSITION.fullmatch(after) or int(after) > _LAST:
        raise ValueError(f"after={after[:80]!r} is no position; give the 'position' of a message, or -1 for all")
    application.bus.stream(stream)
    return int(after)


async def anomalies_after(
    application: Application, stream: str, after: int, limits: SocketLimits
) -> AsyncGenerator[str | None]:
    """A message an anomaly, and None at each look that finds no more.

    What the bus tells of is sent as it was told; the bus is read at first, where something lies between, and now and
    then while it is silent.
    """
    news = _News()
    leave = await asyncio.to_thread(application.bus.listen, stream, news.hear)
    look = True
    try:
        while True:
            found = None if look else news.following(after)
            if found is None:
                place = None if after < 0 else after
                found = await asyncio.to_thread(application.bus.consume_anomalies, stream, place, limits.page)
                look = bool(found)  # until there are no more
            for position, anomaly in found:
                after = position
                yield json.dumps({"position": position, **anomaly.to_json()})
            if not found:
                yield None
                look = not await news.wait(limits.idle_s)
    finally:
        leave()


class _News:
    """What the bus told of, on whatever thread, for one socket on an event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._woken: asyncio.Future[None] | None = None
        self._told: deque[Told | None] = deque(maxlen=_WAITING)

    def hear(self, told: Told | None) -> None:
        """Note it, and wake who waits."""
        self._told.append(told)
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._wake)

    def following(self, after: int) -> Sequence[tuple[int, Anomaly]] | None:
        """What was told of right after a position; None where the bus must be read."""
        while self._told:
            told = self._told.popleft()
            if told is not None and told.before == after:
                return told.anomalies
            if told is None or told.before > after:
                return None  # there is something between, or it is not known
        return ()

    async def wait(self, seconds: float) -> bool:
        """Until something is told of, or the time is over; whether something was."""
        if not self._told:
            self._woken = self._loop.create_future()  # one turn of the loop; wait_for and an Event take three
            late = self._loop.call_later(seconds, self._wake)
            try:
                await self._woken
            finally:
                late.cancel()
        return bool(self._told)

    def _wake(self) -> None:
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)
