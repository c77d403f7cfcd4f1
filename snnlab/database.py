"""One SQLite file that several processes and threads write to: what the embedded bus, store and history share."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import RLock

from snnlab.errors import ConfigError, SnnlabError

__all__ = ["Database", "Layout", "sqlite_path"]

_LOG_PAGES = 8_000
"""Pages of the log, 32 MiB, after which a commit moves them to the file: seldom, as that commit takes longer."""
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def sqlite_path(url: str) -> Path:
    """The file that a ``sqlite:///`` URL names: three slashes and a relative path, four and an absolute one.

    Raises ConfigError where the URL names none.

    >>> sqlite_path("sqlite:///data/bus.db").as_posix(), sqlite_path("sqlite:////srv/bus.db").as_posix()
    ('data/bus.db', '/srv/bus.db')
    """
    path = url.removeprefix("sqlite:///")
    if path == url or not path:
        raise ConfigError(f"{url!r} names no file; write sqlite:///PATH, for instance sqlite:///data/snnlab.db")
    return Path(path)


@dataclass(frozen=True)
class Layout:
    """What a file of one purpose looks like, and which errors speak for it.

    ``application`` and ``version`` are stored in the file's header, so that a file of another purpose, or one
    written by a newer snnlab, is refused before it is touched.
    """

    purpose: str
    application: int
    version: int
    schema: str
    failed: type[SnnlabError]
    damaged: type[SnnlabError]
    way_out: str


class Database:
    """One connection to one SQLite file in write-ahead mode, shared by the threads of a process.

    Every commit is synced to the disk, unless it says otherwise. A forked child opens its own connection. ``wait_s`` is
    how long a writer waits for another process before it gives up.
    Raises the layout's errors: ``damaged`` for a file whose content cannot be trusted, ``failed`` for the rest.
    """

    def __init__(self, path: Path | str, layout: Layout, *, wait_s: float = 30.0) -> None:
        self.path = Path(path).absolute()
        self.layout = layout
        self._wait_s = wait_s
        self._lock = RLock()
        self._connection: sqlite3.Connection | None = None
        self._process = 0
        with self.read():
            pass

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """The connection, for statements that only read; other threads wait meanwhile."""
        with self._lock, self._told():
            yield self._open()

    @contextmanager
    def write(self, *, synced: bool = True) -> Iterator[sqlite3.Connection]:
        """The connection within one transaction: committed at the end, undone when an error leaves the block.

        One that is not ``synced`` outlives the process at once, and a loss of power with the next one that is synced.
        """
        with self._lock, self._told():
            connection = self._open()
            if not synced:
                connection.execute("PRAGMA synchronous=NORMAL")
            try:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                except BaseException:
                    connection.rollback()
                    raise
                connection.commit()
            finally:
                if not synced:
                    connection.execute("PRAGMA synchronous=FULL")

    def close(self) -> None:
        """Close the connection; the next use opens it again."""
        with self._lock:
            if self._connection is not None and self._process == os.getpid():
                self._connection.close()
            self._connection = None

    def corrupt(self, what: str) -> SnnlabError:
        """The error that says what of this file is damaged, and the way out."""
        return self.layout.damaged(f"{self.layout.purpose} {self.path} is damaged: {what}; {self._way_out()}")

    def _way_out(self) -> str:
        return self.layout.way_out.format(path=self.path)

    def _open(self) -> sqlite3.Connection:
        if self._connection is None or self._process != os.getpid():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = self._patiently(self._connect)
            self._process = os.getpid()
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=self._wait_s, isolation_level=None, check_same_thread=False)
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        known = self._checked(connection)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint={_LOG_PAGES}")
        connection.execute("PRAGMA foreign_keys=ON")
        if not known:
            connection.executescript(
                f"BEGIN IMMEDIATE; {self.layout.schema}; PRAGMA application_id={self.layout.application}; "
                f"PRAGMA user_version={self.layout.version}; COMMIT;"
            )

    def _checked(self, connection: sqlite3.Connection) -> bool:
        """Whether the file has the layout; False for a new or older one. Raises ConfigError for any other file."""
        layout = self.layout
        # One transaction: another process may be making the file at this moment.
        connection.execute("BEGIN")
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        connection.execute("COMMIT")
        if application != layout.application and (tables or application):
            raise ConfigError(
                f"{self.path} is a SQLite file of another purpose, not a {layout.purpose}; "
                "name another file: a new one is made where there is none"
            )
        if version > layout.version:
            raise ConfigError(
                f"{layout.purpose} {self.path} has format {version}, this snnlab reads up to {layout.version}; "
                "use the snnlab that wrote it, or name another file"
            )
        return bool(application == layout.application and version == layout.version)

    def _patiently(self, connect: Callable[[], sqlite3.Connection]) -> sqlite3.Connection:
        """Connect again while another process turns a new file to write-ahead mode: SQLite does not wait for that."""
        until = time.monotonic() + self._wait_s
        while True:
            try:
                return connect()
            except sqlite3.OperationalError as busy:
                if busy.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
                time.sleep(0.01)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """SQLite's errors as this project's."""
        try:
            yield
        except sqlite3.DatabaseError as wrong:
            if getattr(wrong, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
                raise self.corrupt(str(wrong)) from wrong
            raise self.layout.failed(
                f"{self.layout.purpose} {self.path}: {wrong}; see that the folder can be written to, that the disk has "
                "room and that no other program holds the file"
            ) from wrong
        except OSError as wrong:
            raise self.layout.failed(
                f"{self.layout.purpose} {self.path}: {wrong}; name a folder that can be written to"
            ) from wrong
