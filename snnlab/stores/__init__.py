"""The store: anomalies, models, patterns, and the checkpoints of the workers that own shards.

``connect`` opens the store that a URL names; ``Store`` is what every store can do. The embedded store is one SQLite
file.
"""

from snnlab.stores.base import (
    AnomalyFilter,
    AnomalyPage,
    Checkpoint,
    Lease,
    ModelRecord,
    Pattern,
    ShardKey,
    Store,
)
from snnlab.stores.urls import connect

__all__ = [
    "AnomalyFilter",
    "AnomalyPage",
    "Checkpoint",
    "Lease",
    "ModelRecord",
    "Pattern",
    "ShardKey",
    "Store",
    "connect",
]
