"""A client of a WebSocket, as small as measuring needs it: text messages, one after the other."""

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Ping, RejectConnection, Request, TextMessage

__all__ = ["WebSocketClient"]


class WebSocketClient:
    """An open socket; ``receive`` gives the next message, and raises ConnectionError when there will be none.

    >>> async def first(port: int) -> str:
    ...     async with await WebSocketClient.open("127.0.0.1", port, "/ws/anomalies/hosts") as socket:
    ...         return await socket.receive()
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._connection = WSConnection(ConnectionType.CLIENT)
        self._messages: list[str] = []
        self._part = ""
        self._accepted = False
        self._ended = ""

    @classmethod
    async def open(cls, host: str, port: int, path: str, headers: Mapping[str, str] | None = None) -> Self:
        """Connect, and wait until the socket is accepted."""
        socket = cls(*await asyncio.open_connection(host, port))
        extra = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
        socket._writer.write(socket._connection.send(Request(host=f"{host}:{port}", target=path, extra_headers=extra)))
        while not socket._accepted:
            await socket._read()
        return socket

    async def receive(self) -> str:
        """The next message."""
        while not self._messages:
            await self._read()
        return self._messages.pop(0)

    async def close(self) -> None:
        """Let go of the connection."""
        self._writer.close()
        await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)

    async def __aenter__(self) -> Self:
        """The socket is open already."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close; see ``close``."""
        await self.close()

    async def _read(self) -> None:
        if self._ended:
            raise ConnectionError(self._ended)
        data = await self._reader.read(1 << 16)
        if not data:
            raise ConnectionError("the other side closed the connection")
        self._connection.receive_data(data)
        for event in self._connection.events():
            match event:
                case TextMessage():
                    self._part += event.data
                    if event.message_finished:
                        self._messages.append(self._part)
                        self._part = ""
                case AcceptConnection():
                    self._accepted = True
                case Ping():
                    self._writer.write(self._connection.send(event.response()))
                case RejectConnection():
                    raise ConnectionError(f"the socket was refused with status {event.status_code}")
                case CloseConnection():
                    self._ended = f"the socket was closed: {event.code} {event.reason}"
                case _:
                    continue
