"""NSL-KDD: connections to a network, 38 numbers and three words each, with 22 and 37 kinds of attack.

Tavallaee et al.: A detailed analysis of the KDD CUP 99 data set, CISDA 2009. A fifth of KDDTrain+ is for training, of
which a detector may take the normal connections alone, and KDDTest+ is judged; a sixth of its attacks are of new kinds.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa

from snnlab.datasets.folder import path_of, table_in
from snnlab.datasets.labelled import LabelledStream
from snnlab.errors import DatasetMissing
from snnlab.events import EventBatch

__all__ = ["CATEGORIES", "COLUMNS", "NUMBERS", "load", "parts"]

CATEGORIES = ("protocol_type", "service", "flag")
COLUMNS = (
    "duration",
    "protocol_type",
    "service",
    "flag",
    "src_bytes",
    "dst_bytes",
    "land",
    "wrong_fragment",
    "urgent",
    "hot",
    "num_failed_logins",
    "logged_in",
    "num_compromised",
    "root_shell",
    "su_attempted",
    "num_root",
    "num_file_creations",
    "num_shells",
    "num_access_files",
    "num_outbound_cmds",
    "is_host_login",
    "is_guest_login",
    "count",
    "srv_count",
    "serror_rate",
    "srv_serror_rate",
    "rerror_rate",
    "srv_rerror_rate",
    "same_srv_rate",
    "diff_srv_rate",
    "srv_diff_host_rate",
    "dst_host_count",
    "dst_host_srv_count",
    "dst_host_same_srv_rate",
    "dst_host_diff_srv_rate",
    "dst_host_same_src_port_rate",
    "dst_host_srv_diff_host_rate",
    "dst_host_serror_rate",
    "dst_host_srv_serror_rate",
    "dst_host_rerror_rate",
    "dst_host_srv_rerror_rate",
)
"""The 41 columns that a detector sees, in the order of the original files, which have no header."""
NUMBERS = tuple(column for column in COLUMNS if column not in CATEGORIES)
NAME = "train20-test"


def parts(folder: Path) -> list[str]:
    """The one stream of the set, where both of its files are there."""
    try:
        for stem in ("train20", "test"):
            path_of(folder, stem)
    except DatasetMissing:
        return []
    return [NAME]


def load(folder: Path, name: str = NAME) -> LabelledStream:
    """The training connections, then the test connections; ``kind`` is the attack. Neither has a time.

    Raises DatasetMissing and FileFormatError.
    """
    needed = (*COLUMNS, "attack", "label")
    tables = [table_in(folder, stem, needed).select(needed) for stem in ("train20", "test")]
    table = pa.concat_tables(tables, promote_options="permissive")
    label = table.column("label").to_numpy().astype(np.int8)
    events = EventBatch.from_columns(
        np.column_stack([table.column(column).to_numpy().astype(float) for column in NUMBERS]),
        NUMBERS,
        categories={column: table.column(column).combine_chunks() for column in CATEGORIES},
    )
    attacks = [word if flag else "" for word, flag in zip(table.column("attack").to_pylist(), label, strict=True)]
    return LabelledStream(
        name, events, label, attacks, train=len(tables[0]), meta={"set": "nsl_kdd", "columns": {"timestamp": None}}
    )
