"""The anomalies of a stream, read from the bus's topic of them, so that every replica tells the same."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import suppress

from snnlab.serving.application import Application
from snnlab.serving.websocket.limits import SocketLimits

__all__ = ["anomalies_after", "begin"]


def begin(application: Application, stream: str, after: str | None) -> int:
    """The position after which a client wants a stream's anomalies; without one, the last there is now.

    Raises BusError for a stream that is not there, ValueError for what is no position.
    """
    if after is None:
        return application.bus.publish_anomalies(stream, [])
    if not after.lstrip("-").isdecimal():
        raise ValueError(f"after={after!r} is no position; give the 'position' of a message, or -1 for all")
    application.bus.stream(stream)
    return int(after)


async def anomalies_after(
    application: Application, stream: str, after: int, limits: SocketLimits
) -> AsyncGenerator[str | None]:
    """A message an anomaly, and None at each look that finds no more.

    The bus wakes it where it can; where it cannot, it is looked at every so often.
    """
    loop, news = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody listens any more
            loop.call_soon_threadsafe(news.set)

    pause_s = limits.anomalies_s
    leave = await asyncio.to_thread(application.bus.listen, stream, wake)
    try:
        while True:
            news.clear()
            place = None if after < 0 else after
            found = await asyncio.to_thread(application.bus.consume_anomalies, stream, place, limits.page)
            for position, anomaly in found:
                after = position
                yield json.dumps({"position": position, **anomaly.to_json()})
            if found:
                pause_s = limits.anomalies_s
                continue
            yield None
            with suppress(TimeoutError):
                await asyncio.wait_for(news.wait(), pause_s)
            pause_s = min(2 * pause_s, limits.idle_s)
    finally:
        leave()
