"""Process logs Receipt and Sepsis: the events of a municipality's and a hospital's cases, a share of them disturbed.

Guan, Cao, Gu, Qian: GAMA, Information Systems 124, 2024; logs of 4TU.ResearchData. The truth is one label a case:
a case's score is the largest of its events' scores, and the best F1 over cases is reported, the mean over the shares.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from snnlab.datasets.folder import stems, table_in
from snnlab.datasets.labelled import LabelledStream
from snnlab.datasets.times import microseconds
from snnlab.events import EventBatch

__all__ = ["load", "parts"]

NEEDED = ("case_id", "event_index", "case_start", "activity", "case_label", "anomaly_type")


def parts(folder: Path) -> list[str]:
    """Names of the logs that are there: ``Receipt-0.05-1``… the log and the share of disturbed cases."""
    return stems(folder, "*-0.*-1")


def load(folder: Path, name: str) -> LabelledStream:
    """One log, case after case in the order of their starts, an event a second within a case.

    The case is the entity, the activity and the ``org_`` attributes are categories. ``label`` and ``kind`` are the
    case's, at each of its events; ``meta["cases"]`` maps each case to its label. Raises DatasetMissing and
    FileFormatError.
    """
    table = table_in(folder, name, NEEDED)
    begin = microseconds(table.column("case_start"), "case_start")
    kinds = ["activity", *(column for column in table.column_names if column.startswith("org_"))]
    cases = _words(table, "case_id")
    label = table.column("case_label").to_numpy().astype(np.int8)
    events = EventBatch.from_columns(
        np.empty((len(table), 0)),
        [],
        timestamps=begin + table.column("event_index").to_numpy() * 1_000_000,
        entities=cases,
        categories={kind: _words(table, kind) for kind in kinds},
    )
    kind = [word if flag else "" for word, flag in zip(table.column("anomaly_type").to_pylist(), label, strict=True)]
    truth = dict(zip(cases.to_pylist(), label.tolist(), strict=True))
    log, share, _ = name.rsplit("-", 2)
    meta = {"set": "process_logs", "log": log, "share": float(share), "cases": truth}
    return LabelledStream(name, events, label, kind, meta=meta)


def _words(table: pa.Table, column: str) -> pa.Array:
    return pc.fill_null(table.column(column).cast(pa.string()), "").combine_chunks()
