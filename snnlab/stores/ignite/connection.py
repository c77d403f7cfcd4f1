"""Connections to Ignite: one a call at work, kept for the next, and made anew where the server was away."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from snnlab.errors import ConfigError, StoreError
from snnlab.stores.ignite.address import Address

if TYPE_CHECKING:
    from pyignite import Client

__all__ = ["Connections"]

_T = TypeVar("_T")


class Connections:
    """The connections of one process; threads each work on their own. ``prepare`` is called once, on the first."""

    def __init__(self, address: Address, prepare: "Callable[[Client], None]") -> None:
        self._address = address
        self._prepare = prepare
        self._idle: list[Client] = []
        self._ready = False
        self._process = os.getpid()
        self._lock = Lock()

    def ask(self, question: "Callable[[Client], _T]", *, again: bool = True) -> _T:
        """The answer to a question; asked ``again`` on a new connection when an old one turns out to be gone.

        Raises StoreError where Ignite refuses or is not there.
        """
        with self._told():
            client, old = self._taken()
            try:
                return self._asked(client, question)
            except OSError:
                if not (old and again):
                    raise
            self.close()
            return self._asked(self._taken()[0], question)

    def _asked(self, client: "Client", question: "Callable[[Client], _T]") -> _T:
        """The answer of one connection, which serves again if there is one."""
        try:
            answer = question(client)
        except BaseException:
            self._drop(client)
            raise
        self._give_back(client)
        return answer

    def close(self) -> None:
        """Close what is idle."""
        with self._lock:
            idle, self._idle = self._idle, []
        for client in idle:
            self._drop(client)

    def _taken(self) -> "tuple[Client, bool]":
        """A connection, and whether it was made before."""
        with self._lock:
            if self._process != os.getpid():  # a forked child must not speak on its parent's
                self._idle, self._process = [], os.getpid()
            if self._idle:
                return self._idle.pop(), True
        return self._connected(), False

    def _give_back(self, client: "Client") -> None:
        with self._lock:
            self._idle.append(client)

    def _connected(self) -> "Client":
        client = self._client()
        client.connect(list(self._address.nodes))
        if not self._ready:
            self._prepare(client)
            self._ready = True
        return client

    def _client(self) -> "Client":
        if self._address.tls:
            from snnlab.stores.ignite.tls import TlsClient

            return TlsClient(self._address, **self._address.client_options())
        from pyignite import Client

        return Client(**self._address.client_options())

    def _drop(self, client: "Client") -> None:
        with suppress(Exception):  # it is given up, however it closes
            client.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Errors of the client as this project's."""
        from pyignite import exceptions

        try:
            yield
        except exceptions.AuthenticationError as wrong:
            raise ConfigError(
                f"Ignite at {self._address.url} refuses the user: {wrong.message}; "
                "set SNNLAB_IGNITE_USER and SNNLAB_IGNITE_PASSWORD"
            ) from wrong
        except (
            OSError,
            EOFError,
            exceptions.CacheError,
            exceptions.ClusterError,
            exceptions.ReconnectError,
            exceptions.ParseError,
            exceptions.NotSupportedByClusterError,
        ) as wrong:
            told = str(wrong).splitlines()[0] if str(wrong) else type(wrong).__name__
            raise StoreError(
                f"Ignite at {self._address.url}: {told}; see that it runs, that its cluster is active, and that this "
                "client may use it"
            ) from wrong
