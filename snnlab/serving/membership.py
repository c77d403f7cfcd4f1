"""Which replicas there are: each writes a record of itself to the store, which expires when it is silent."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from snnlab.serving.replica import Replica
from snnlab.stores import Store

__all__ = ["Member", "Membership"]

_KIND = "replica"


@dataclass(frozen=True)
class Member:
    """A replica as it told of itself: ``failures`` by deployment, what its workers fail with."""

    replica: Replica
    failures: dict[str, str] = field(default_factory=dict)


class Membership:
    """The replicas of one store. ``beat`` is to be called several times in ``keep_s`` seconds."""

    def __init__(self, store: Store, replica: Replica, keep_s: float, failures: Callable[[], dict[str, str]]) -> None:
        self.replica = replica
        self._store = store
        self._keep_s = keep_s
        self._failures = failures

    def beat(self) -> None:
        """Be there for another while."""
        told = {"owner": self.replica.owner, "failures": self._failures()}
        self._store.put_record(_KIND, self.replica.name, json.dumps(told).encode(), keep_s=self._keep_s)

    def leave(self) -> None:
        """Be there no more."""
        self._store.delete_record(_KIND, self.replica.name)

    def all(self) -> list[Member]:
        """Every replica that is there, by name."""
        found = sorted(self._store.records(_KIND).items())
        told = [json.loads(body) for _, body in found]
        return [Member(self.replica.peer(one["owner"]), one["failures"]) for one in told]

    def others(self) -> list[Replica]:
        """The replicas that are there beside this one and can be asked."""
        return [one.replica for one in self.all() if one.replica.name != self.replica.name and one.replica.http]
