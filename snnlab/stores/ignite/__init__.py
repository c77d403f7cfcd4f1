"""The store on Apache Ignite: anomalies in an indexed table, everything else by key in a transactional one."""

from snnlab.stores.ignite.store import IgniteStore

__all__ = ["IgniteStore"]
