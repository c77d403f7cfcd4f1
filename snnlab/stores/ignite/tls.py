"""A client of Ignite that compares the server's name with the one that was asked for, before it says anything.

pyignite takes any certificate of a trusted authority, whatever name stands in it, since it wraps its socket without
one. Here it is left to open a plain connection, which speaks TLS from its first byte on, by Python's own rules.
"""

import ssl
from collections.abc import Sequence
from typing import Any

from pyignite import Client
from pyignite.connection import Connection
from pyignite.exceptions import ReconnectError, connection_errors

from snnlab.errors import ConfigError
from snnlab.stores.ignite.address import Address, IgniteSettings

__all__ = ["TlsClient", "context_of"]


class _TlsConnection(Connection):  # type: ignore[misc]  # pyignite has no types
    """A connection whose handshake, and the password in it, goes to a server that has shown its name."""

    _socket: Any

    def send(self, data: bytes | bytearray, flags: int | None = None, reconnect: bool = True) -> None:
        """Greet the server where that is not done, and send."""
        if not self.closed and not isinstance(self._socket, ssl.SSLSocket):
            self._socket = self.client.context.wrap_socket(self._socket, server_hostname=self.host)
        super().send(data, flags, reconnect)


class TlsClient(Client):  # type: ignore[misc]  # the same
    """``pyignite.Client`` over TLS to the first node that answers."""

    def __init__(self, address: Address, **options: Any) -> None:  # noqa: ANN401 - pyignite's
        super().__init__(**{**options, "use_ssl": False, "partition_aware": False})
        self.context = context_of(address.settings)

    def _connect(self, nodes: Sequence[tuple[str, int]]) -> None:
        refused: Exception = ReconnectError("no node to connect to")
        for at, (host, port) in enumerate(nodes):
            node = _TlsConnection(self, host, port, **self._connection_args)
            self._nodes.append(node)
            if self.protocol_context is None:
                try:
                    node.connect()
                except connection_errors as error:
                    refused = error
                else:
                    self._current_node = at
        if self.protocol_context is None:
            raise refused


def context_of(settings: IgniteSettings) -> ssl.SSLContext:
    """Whom to trust, and how to show oneself. Raises ConfigError for files that cannot be used."""
    try:
        context = ssl.create_default_context(cafile=settings.ca)
        if settings.certificate is not None:
            context.load_cert_chain(settings.certificate, settings.key)
    except (OSError, ssl.SSLError) as wrong:
        raise ConfigError(
            f"the PEM files of SNNLAB_IGNITE_CA, _CERTIFICATE and _KEY cannot be used: {wrong}; see that they are there"
        ) from wrong
    return context
