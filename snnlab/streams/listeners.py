"""Who listens to the anomalies of the embedded bus: told at once of what this process publishes, soon of all else.

Other processes write to the same file without a word. While somebody listens, one thread asks SQLite fifty times a
second whether another connection has written (``PRAGMA data_version``, a few µs), and looks at positions only where one
has.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Event, Lock, Thread, current_thread

from snnlab.database import Database
from snnlab.errors import BusError
from snnlab.streams.base import Hear, Told
from snnlab.streams.log import head

__all__ = ["Listeners"]

_EVERY_S = 0.02


class Listeners:
    """Listeners by stream; ``topic`` names the topic of a stream's anomalies."""

    def __init__(self, database: Database, topic: Callable[[str], str], *, every_s: float = _EVERY_S) -> None:
        self._database = database
        self._topic = topic
        self._every_s = every_s
        self._lock = Lock()
        self._listening: dict[str, tuple[Hear, ...]] = {}
        self._last: dict[str, int] = {}
        self._stop = Event()
        self._thread: Thread | None = None

    @property
    def streams(self) -> tuple[str, ...]:
        """Those that somebody listens to."""
        return tuple(self._listening)

    def add(self, stream: str, hear: Hear) -> Callable[[], None]:
        """Tell ``hear`` of what comes from now on, until what is returned is called. Raises BusError."""
        with self._lock:
            version, found = self._read((stream,))
            self._last.setdefault(stream, found[stream])
            self._listening[stream] = (*self._listening.get(stream, ()), hear)
            if self._thread is None:
                self._stop = Event()
                watching = self._stop, version
                self._thread = Thread(target=self._watch, args=watching, name="snnlab-listeners", daemon=True)
                self._thread.start()

        def leave() -> None:
            with self._lock:
                left = tuple(one for one in self._listening.get(stream, ()) if one is not hear)
                if left:
                    self._listening[stream] = left
                else:
                    self._listening.pop(stream, None)
                    self._last.pop(stream, None)
                if not self._listening:
                    self._end()

        return leave

    def tell(self, stream: str, told: Told) -> None:
        """Tell of anomalies that this process has published."""
        hearing = self._listening.get(stream, ())
        if hearing:
            self._last[stream] = told.before + len(told.anomalies)
        for hear in hearing:
            hear(told)

    def close(self) -> None:
        """Look no more; who listens is still told of what this process publishes."""
        with self._lock:
            thread = self._end()
        if thread is not None and thread is not current_thread():
            thread.join()

    def _end(self) -> Thread | None:
        self._stop.set()
        thread, self._thread = self._thread, None
        return thread

    def _watch(self, stop: Event, version: int) -> None:
        while not stop.wait(self._every_s):
            with suppress(BusError):  # whoever reads it is told what is wrong with the file
                version = self._look(version)

    def _look(self, before: int) -> int:
        """Tell of what others have published since; returns the version of the file."""
        version, found = self._read(self.streams, before)
        for stream, last in found.items():
            if last > self._last.get(stream, -1):
                self._last[stream] = last
                for hear in self._listening.get(stream, ()):
                    hear(None)
        return version

    def _read(self, streams: Sequence[str], before: int | None = None) -> tuple[int, dict[str, int]]:
        """The version of the file and, unless it is the one ``before``, the last position of streams' anomalies."""
        with self._database.read() as connection:
            (version,) = connection.execute("PRAGMA data_version").fetchone()
            if version == before:
                return version, {}
            return version, {one: head(connection, self._topic(one)).get(0, -1) for one in streams}
