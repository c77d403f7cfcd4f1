"""The file behind the embedded store."""

from snnlab.database import Layout
from snnlab.errors import StoreError
from snnlab.stores import anomaly_index

__all__ = ["LAYOUT"]

LAYOUT = Layout(
    purpose="store file",
    application=0x736E6E73,
    version=2,
    failed=StoreError,
    damaged=StoreError,
    way_out=(
        "move it aside and start with a new file: models come back from the registry, anomalies and the state of "
        "entities from a replay of the bus"
    ),
    schema="""
CREATE TABLE IF NOT EXISTS anomalies (
  anomaly_id TEXT PRIMARY KEY, detected_at INTEGER NOT NULL, anomaly_type TEXT NOT NULL, severity REAL NOT NULL,
  entity TEXT NOT NULL, model TEXT NOT NULL, stream TEXT NOT NULL, expires_at INTEGER, body TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS anomalies_by_expiry ON anomalies (expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS models (
  name TEXT, version INTEGER, digest TEXT NOT NULL, created_at INTEGER NOT NULL, metadata TEXT NOT NULL,
  body BLOB NOT NULL, PRIMARY KEY (name, version)) STRICT;
CREATE TABLE IF NOT EXISTS patterns (
  pattern_id TEXT PRIMARY KEY, name TEXT NOT NULL, anomaly_type TEXT NOT NULL, created_at INTEGER NOT NULL,
  model TEXT NOT NULL, metadata TEXT NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS records (
  kind TEXT, name TEXT, expires_at INTEGER, body BLOB NOT NULL, PRIMARY KEY (kind, name)) STRICT;
CREATE TABLE IF NOT EXISTS leases (
  model TEXT, stream TEXT, shard INTEGER, owner TEXT NOT NULL, epoch INTEGER NOT NULL, expires_at INTEGER NOT NULL,
  PRIMARY KEY (model, stream, shard)) STRICT;
CREATE TABLE IF NOT EXISTS checkpoints (
  model TEXT, stream TEXT, shard INTEGER, position INTEGER NOT NULL, epoch INTEGER NOT NULL,
  saved_at INTEGER NOT NULL, learned BLOB NOT NULL, PRIMARY KEY (model, stream, shard)) STRICT;
CREATE TABLE IF NOT EXISTS entity_rows (
  model TEXT, stream TEXT, shard INTEGER, entity TEXT, body BLOB NOT NULL,
  PRIMARY KEY (model, stream, shard, entity)) STRICT;
CREATE TABLE IF NOT EXISTS pieces (
  model TEXT, stream TEXT, shard INTEGER, name TEXT, body BLOB NOT NULL,
  PRIMARY KEY (model, stream, shard, name)) STRICT;
CREATE TABLE IF NOT EXISTS checkpoint_pieces (
  model TEXT, stream TEXT, shard INTEGER, names TEXT NOT NULL, PRIMARY KEY (model, stream, shard)) STRICT;
"""
    + anomaly_index.SCHEMA,
)
