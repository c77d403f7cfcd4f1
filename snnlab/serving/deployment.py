"""A model at work on a stream, as the store tells of it: the same to every replica."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from snnlab.errors import NothingThere
from snnlab.serving.assignment import Assignment
from snnlab.serving.standing import Standing
from snnlab.stores import ModelRecord, Store

__all__ = ["DEPLOYMENT", "Deployment", "DeploymentPage", "assigned", "name_of", "nowhere", "replaced_by"]

DEPLOYMENT = "deployment"
"""What the store's record of one says of its kind."""

_REPLACED = 8  # versions that are remembered: each is forgotten once the next has a checkpoint
_HEARD_S = 1.5  # after which every replica has heard of a stop: until then one may take what another has left


@dataclass(frozen=True)
class Deployment:
    """``events`` that its version has processed, and by shard the position up to which they are kept.

    ``detail`` tells what a replica's worker fails with.
    """

    model_id: str
    version: int
    stream: str
    shards: int
    status: Literal["running", "failed", "stopping", "stopped"]
    detail: str
    events: int
    positions: dict[int, int]

    @classmethod
    def of(cls, record: ModelRecord, store: Store, failures: list[str]) -> "Deployment":
        """The deployment that a record tells of; ``failures`` of the replicas' workers, each with its replica."""
        told, work = record.metadata, assigned(record)
        keys = {shard: work.key(shard) for shard in range(work.shards)}
        found = {shard: standing for shard, key in keys.items() if (standing := Standing.of(store, key))}
        status: Literal["running", "failed", "stopping", "stopped"] = "failed" if failures else "running"
        if told.get("stopped"):
            mine = set(keys.values())
            told_s = time.time() - record.created_at / 1e6
            at_work = told_s < _HEARD_S or any(lease.key in mine for lease in store.leases())
            status = "stopping" if at_work else "stopped"
        return cls(
            model_id=work.model_id,
            version=work.version,
            stream=work.stream,
            shards=work.shards,
            status=status,
            detail="; ".join(failures),
            events=sum(standing.events for standing in found.values()),
            positions={shard: standing.position for shard, standing in found.items()},
        )


@dataclass(frozen=True)
class DeploymentPage:
    """Deployments by model and stream, and the cursor of the next page; None on the last."""

    items: tuple[Deployment, ...]
    cursor: str | None


def name_of(model_id: str, stream: str) -> str:
    """The name of a deployment's record.

    >>> name_of("web", "hosts")
    'web@hosts'
    """
    return f"{model_id}@{stream}"


def assigned(record: ModelRecord) -> Assignment:
    """What the workers of a deployment are to do; with the model that its shards begin with, if the record has it."""
    told = record.metadata
    replaced = tuple(told.get("replaced", ()))
    return Assignment(told["model"], told["version"], told["stream"], told["shards"], record.body, replaced)


def replaced_by(version: int, before: Mapping[str, Any] | None) -> list[int]:
    """The versions that a version replaces, the latest last, given what the deployment's record told before.

    >>> replaced_by(5, {"version": 4, "replaced": [2, 3]}), replaced_by(4, {"version": 4, "replaced": [2]})
    ([2, 3, 4], [2])
    """
    if before is None:
        return []
    known = [*before.get("replaced", []), before["version"]]
    return [one for one in known if one != version][-_REPLACED:]


def nowhere(model_id: str, stream: str) -> NothingThere:
    """The error where a model was never deployed to a stream."""
    return NothingThere(
        f"model {model_id!r} does not work on a stream {stream!r}; GET /api/v1/deployments tells which there are"
    )
