"""What one replica owns: keys of the store under leases, held as long as they are renewed.

A lease that cannot be renewed in time is lost at its end, by this process's own clock: before another may take it. What
was done under a lost lease is refused by the store, since the next owner's epoch is higher.
"""

import time
from threading import Lock

from snnlab.errors import OwnedElsewhere
from snnlab.logs import logger
from snnlab.serving.replica import Replica
from snnlab.stores import Lease, ShardKey, Store

__all__ = ["Ownership"]

_REMEMBERED_S = 1.0  # how long another's ownership is believed without asking the store again
_SAFETY = 0.9  # of a lease's length, so that two clocks may differ a little


class Ownership:
    """The leases of one replica. Use it from any number of threads; ``renew`` is to be called several times a lease."""

    def __init__(self, store: Store, replica: Replica, hold_s: float) -> None:
        self.replica = replica
        self._store = store
        self._hold_s = hold_s
        self._changing = Lock()  # one change of a lease at a time, here and in the store
        self._lock = Lock()
        self._held: dict[ShardKey, tuple[Lease, float]] = {}
        self._others: dict[ShardKey, tuple[Lease, float]] = {}

    def holds(self, key: ShardKey) -> bool:
        """Whether a key is this replica's now. Costs no more than a look at the clock."""
        held = self._held.get(key)
        return held is not None and time.monotonic() < held[1]

    def lease(self, key: ShardKey) -> Lease | None:
        """The lease of a key as it was last renewed; None where this replica never had it, or gave it back."""
        held = self._held.get(key)
        return held[0] if held else None

    def check(self, key: ShardKey) -> None:
        """Raises OwnedElsewhere where another had the key a moment ago; the store is not asked."""
        other = self._others.get(key)
        if other is not None and time.monotonic() < other[1]:
            raise self._elsewhere(other[0])

    def take(self, key: ShardKey) -> Lease:
        """Own a key from now on. Raises OwnedElsewhere where another does, StoreError where the store is away."""
        self.check(key)
        for _ in range(2):  # what another has just given back is free at the second try
            with self._changing:
                now = time.monotonic()
                lease = self._store.acquire(key, self.replica.owner, hold_s=self._hold_s)
                if lease is not None:
                    with self._lock:
                        self._held[key] = lease, now + _SAFETY * self._hold_s
                        self._others.pop(key, None)
                    return lease
            other = next((one for one in self._store.leases() if one.key == key), None)
            if other is not None:
                break
        else:
            raise OwnedElsewhere(f"{key.model!r} is changing hands; ask again in a second", key.model)
        with self._lock:
            self._held.pop(key, None)
            self._others[key] = other, time.monotonic() + _REMEMBERED_S
        raise self._elsewhere(other)

    def renew(self) -> None:
        """Hold everything longer; what was lost meanwhile is told of and no longer held."""
        for key in list(self._held):
            with self._changing:
                held = self._held.get(key)
                if held is None:
                    continue  # given back meanwhile: to renew it now would take it again
                now = time.monotonic()
                longer = self._store.renew(held[0], hold_s=self._hold_s)
                with self._lock:
                    if longer is not None:
                        self._held[key] = longer, now + _SAFETY * self._hold_s
                        continue
                    self._held.pop(key, None)
            logger("snnlab.serving").warning("lease lost to another replica", model=key.model)

    def release(self, key: ShardKey) -> None:
        """Give a key back."""
        with self._changing:
            with self._lock:
                held = self._held.pop(key, None)
            if held is not None:
                self._store.release(held[0])

    def drop(self, key: ShardKey) -> None:
        """Hold a key no longer: the store has refused what was written under its lease."""
        with self._lock:
            self._held.pop(key, None)

    def forget(self, key: ShardKey) -> None:
        """Believe no more that another has a key: it did not answer, or said that it has not."""
        with self._lock:
            self._others.pop(key, None)

    def owner(self, key: ShardKey) -> Replica | None:
        """Who else has a key now; None where nobody has, or this replica."""
        other = self._others.get(key)
        if other is None or time.monotonic() >= other[1]:
            found = next((one for one in self._store.leases() if one.key == key), None)
        else:
            found = other[0]
        return None if found is None or found.owner == self.replica.owner else self.replica.peer(found.owner)

    def _elsewhere(self, lease: Lease) -> OwnedElsewhere:
        owner = self.replica.peer(lease.owner)
        return OwnedElsewhere(
            f"model {lease.key.model!r} belongs to replica {owner.name}, which cannot be asked now; it goes to another "
            f"within {self._hold_s:g} s if that one is gone: ask again in a second",
            lease.key.model,
            lease.owner,
        )
