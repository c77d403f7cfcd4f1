"""Which store a URL names."""

from snnlab.database import sqlite_path
from snnlab.errors import ConfigError
from snnlab.stores.base import Store

__all__ = ["connect"]


def connect(url: str) -> Store:
    """Open the store that a URL names; a new file is made where there is none.

    Raises ConfigError for a URL that names no store this snnlab has and where pyignite is missing, StoreError for a
    damaged file and where Ignite does not answer.

    >>> connect("redis://host")
    Traceback (most recent call last):
    snnlab.errors.ConfigError: no store for 'redis://host'; there is sqlite:///PATH, embedded, and ignite://HOST:PORT
    """
    scheme = url.partition("://")[0]
    if scheme == "sqlite":
        from snnlab.stores.sqlite import SqliteStore

        return SqliteStore(sqlite_path(url))
    if scheme in {"ignite", "ignite+ssl"}:
        from snnlab.stores.ignite import IgniteStore

        return IgniteStore(url)
    raise ConfigError(f"no store for {url!r}; there is sqlite:///PATH, embedded, and ignite://HOST:PORT")
