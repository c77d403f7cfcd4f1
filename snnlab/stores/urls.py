"""Which store a URL names."""

from snnlab.database import sqlite_path
from snnlab.errors import ConfigError
from snnlab.stores.base import Store

__all__ = ["connect"]


def connect(url: str) -> Store:
    """Open the store that a URL names; a new file is made where there is none.

    Raises ConfigError for a URL that names no store this snnlab has, StoreError for a damaged file.

    >>> connect("redis://host")
    Traceback (most recent call last):
    snnlab.errors.ConfigError: no store for 'redis://host'; there is the embedded one: sqlite:///PATH
    """
    scheme = url.partition("://")[0]
    if scheme == "sqlite":
        from snnlab.stores.sqlite import SqliteStore

        return SqliteStore(sqlite_path(url))
    if scheme == "ignite":
        raise ConfigError(f"{url!r}: this snnlab has no Ignite store; use the embedded one, sqlite:///PATH")
    raise ConfigError(f"no store for {url!r}; there is the embedded one: sqlite:///PATH")
