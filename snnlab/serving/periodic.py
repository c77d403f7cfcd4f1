"""Something done every so often on a thread of its own, until it is stopped."""

from collections.abc import Callable
from threading import Event, Thread

from snnlab.logs import logger

__all__ = ["Periodic"]


class Periodic:
    """Calls ``work`` every ``every_s`` seconds between ``start`` and ``stop``; what it raises is logged and survived.

    >>> done = Event()
    >>> periodic = Periodic(done.set, 0.001, "doctest")
    >>> periodic.start()
    >>> done.wait(5)
    True
    >>> periodic.stop()
    """

    def __init__(self, work: Callable[[], None], every_s: float, name: str) -> None:
        self._work = work
        self._every_s = every_s
        self._name = name
        self._stop = Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begin, in the background."""
        self._thread = Thread(target=self._run, name=f"snnlab-{self._name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End, after the call that is under way."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        told = ""
        while not self._stop.wait(self._every_s):
            try:
                self._work()
                told = ""
            except Exception as error:  # noqa: BLE001 - whatever it is, the next time may go well
                if str(error) != told:  # a store that is away is told of once
                    told = str(error)
                    logger("snnlab.serving").warning("failed", what=self._name, reason=told)
