"""How a model fires, at whichever replica: the sums of this one, and of every other that is there."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING
from urllib.parse import quote

from snnlab.errors import SnnlabError
from snnlab.serving.application import Application
from snnlab.serving.replica import Replica
from snnlab.serving.websocket.limits import SocketLimits

if TYPE_CHECKING:
    import httpx

__all__ = ["spikes_of"]

_LOOK_S = 1.0  # between looks at which replicas there are
_SILENT_S = 3.0  # after which a replica counts as gone: it sends an empty line every second
_WAITING = 1000
_LONGEST_LINE = 2**20


async def spikes_of(application: Application, model: str, limits: SocketLimits) -> AsyncGenerator[str | None]:
    """A message a sum, and None at each look that finds no more."""
    watch = application.spikes.watch(model)
    heard: asyncio.Queue[str] = asyncio.Queue(_WAITING)
    listening = asyncio.ensure_future(_listen(application, model, heard))
    try:
        while True:
            application.spikes.pulse(model)
            for firing in watch.take():
                yield json.dumps(asdict(firing))
            while not heard.empty():
                yield heard.get_nowait()
            yield None
            await asyncio.sleep(limits.spikes_s / 2)
    finally:
        application.spikes.leave(watch)
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening


async def _listen(application: Application, model: str, heard: "asyncio.Queue[str]") -> None:
    """Hear every other replica that is there, as they come and go."""
    import httpx

    hearing: dict[Replica, asyncio.Task[None]] = {}
    async with httpx.AsyncClient(**application.peers.options(_SILENT_S)) as client:
        try:
            while True:
                with suppress(SnnlabError):  # the store is away: those that are heard go on
                    there = set(await asyncio.to_thread(application.members.others))
                    for gone in [one for one, task in hearing.items() if one not in there or task.done()]:
                        hearing.pop(gone).cancel()
                    for new in there - hearing.keys():
                        hearing[new] = asyncio.ensure_future(_hear(client, new, model, heard))
                await asyncio.sleep(_LOOK_S)
        finally:
            for task in hearing.values():
                task.cancel()
            await asyncio.gather(*hearing.values(), return_exceptions=True)


async def _hear(client: "httpx.AsyncClient", peer: Replica, model: str, heard: "asyncio.Queue[str]") -> None:
    """The sums of one replica, until it or its connection ends; who falls behind misses the newest."""
    import httpx

    with suppress(httpx.HTTPError):
        async with client.stream("GET", f"{peer.http}/internal/spikes/{quote(model, safe='')}") as answer:
            if answer.status_code != httpx.codes.OK:
                return
            async for line in answer.aiter_lines():
                if line.strip() and len(line) <= _LONGEST_LINE and not heard.full():
                    heard.put_nowait(line)
