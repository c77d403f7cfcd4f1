"""Which bus a URL names."""

from snnlab.database import sqlite_path
from snnlab.errors import ConfigError
from snnlab.streams.base import Bus

__all__ = ["connect"]


def connect(url: str) -> Bus:
    """Open the bus that a URL names; a new file is made where there is none.

    Raises ConfigError for a URL that names no bus this snnlab has and where pulsar-client is missing, BusCorrupt for
    a damaged file.

    >>> connect("kafka://host")
    Traceback (most recent call last):
    snnlab.errors.ConfigError: no bus for 'kafka://host'; there is sqlite:///PATH, embedded, and pulsar://HOST:PORT
    """
    scheme = url.partition("://")[0]
    if scheme == "sqlite":
        from snnlab.streams.sqlite import SqliteBus

        return SqliteBus(sqlite_path(url))
    if scheme in {"pulsar", "pulsar+ssl"}:
        from snnlab.streams.pulsar import PulsarBus

        return PulsarBus(url)
    raise ConfigError(f"no bus for {url!r}; there is sqlite:///PATH, embedded, and pulsar://HOST:PORT")
