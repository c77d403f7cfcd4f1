"""Anomalies of posted events: told on their stream first, as sockets wait for them, and stored."""

from collections.abc import Callable, Sequence
from functools import partial
from threading import Event

from snnlab.events.anomaly import Anomaly
from snnlab.serving.journal import tell_anomalies
from snnlab.stores import Store
from snnlab.streams import Bus

__all__ = ["Telling"]

_PATIENCE_S = 5.0


class Telling:
    """Tells and stores. Who has been told of an anomaly may ask for it: :meth:`settle` waits until it is stored.

    What a model learnt of posted events is on the disk with its next checkpoint only, and so nobody need wait for the
    disk here.
    """

    def __init__(self, bus: Bus, store: Store, keep_s: float | None) -> None:
        self._bus = bus
        self._store = store
        self._keep_s = keep_s
        self._under_way: set[Event] = set()

    def tell(self, anomalies: Sequence[Anomaly]) -> None:
        """Tell the anomalies of streams on them, then let all be asked for. Raises BusError and StoreError."""
        self.publish(anomalies)()

    def publish(self, anomalies: Sequence[Anomaly]) -> Callable[[], None]:
        """Tell the anomalies of streams on them; the call that is returned stores all, and has to be made.

        Each is for a thread: sockets send while nothing else is under way. Raises BusError, the call StoreError.
        """
        done = Event()
        self._under_way.add(done)
        try:
            for stream in {one.stream for one in anomalies if one.stream}:
                told = [one for one in anomalies if one.stream == stream]
                self._bus.publish_anomalies(stream, told, synced=False)
        except BaseException:
            self._finish(done)
            raise
        return partial(self._store_told, anomalies, done)

    def _store_told(self, anomalies: Sequence[Anomaly], done: Event) -> None:
        try:
            self._store.put_anomalies(anomalies, keep_s=self._keep_s, synced=False)
        finally:
            self._finish(done)
        tell_anomalies(anomalies)

    def _finish(self, done: Event) -> None:
        self._under_way.discard(done)
        done.set()

    def settle(self) -> None:
        """Until what is being told at this moment is stored; not for longer than a store takes to fail."""
        for done in self._under_way.copy():
            done.wait(_PATIENCE_S)
