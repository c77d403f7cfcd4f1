"""Free ports on loopback."""

import socket

from snnlab.errors import ConfigError

__all__ = ["choose", "is_free"]

_TRIES = 200


def is_free(port: int) -> bool:
    """Whether a server could listen on a port of loopback now."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def choose(*offsets: int, wanted: int) -> int:
    """A port that is free, and so are those at ``offsets`` from it: ``wanted`` if it can be, else any.

    >>> port = choose(1430, wanted=6650)
    >>> is_free(port), is_free(port + 1430)
    (True, True)
    """
    port = wanted
    for _ in range(_TRIES):
        if all(port + offset < 65536 and is_free(port + offset) for offset in (0, *offsets)):
            return port
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
    raise ConfigError(f"no free ports near {wanted} on 127.0.0.1; end what listens there, or try again")
