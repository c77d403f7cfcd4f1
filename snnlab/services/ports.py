"""Free ports on loopback."""

import socket
from pathlib import Path

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


def choose(*offsets: int, wanted: int, kept: Path | None = None) -> int:
    """A port that is free, and so are those at ``offsets`` from it: ``wanted`` if it can be, else any.

    A file ``kept`` holds the port of the last time, which is wanted most: clients find a server again where it was.

    >>> port = choose(1430, wanted=6650)
    >>> is_free(port), is_free(port + 1430)
    (True, True)
    """
    port = int(kept.read_text()) if kept is not None and kept.is_file() else wanted
    for _ in range(_TRIES):
        if all(port + offset < 65536 and is_free(port + offset) for offset in (0, *offsets)):
            if kept is not None:
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_text(str(port))
            return port
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
    raise ConfigError(f"no free ports near {wanted} on 127.0.0.1; end what listens there, or try again")
