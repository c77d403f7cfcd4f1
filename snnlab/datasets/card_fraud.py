"""Card fraud: two months of simulated card transactions in which fraudsters use cards, terminals and large amounts.

Le Borgne, Siblini, Lebichot, Bontempi: Reproducible Machine Learning for Credit Card Fraud Detection, 2022. Average
precision and the precision of the hundred likeliest cards a day are reported; labels come seven days late.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa

from snnlab.datasets.folder import stems, table_in
from snnlab.datasets.labelled import LabelledStream
from snnlab.datasets.times import microseconds
from snnlab.events import EventBatch

__all__ = ["COLUMNS", "LABEL_DELAY_US", "WHOLE", "load", "parts"]

COLUMNS = (
    "TRANSACTION_ID",
    "TX_DATETIME",
    "CUSTOMER_ID",
    "TERMINAL_ID",
    "TX_AMOUNT",
    "TX_FRAUD",
    "TX_FRAUD_SCENARIO",
)
LABEL_DELAY_US = 7 * 86_400 * 1_000_000
"""How long after an event its label is known, µs."""
SCENARIOS = ("", "large amount", "compromised terminal", "compromised card")
WHOLE = "all"


def parts(folder: Path) -> list[str]:
    """``all`` months as one stream, and each month that is there: ``2018-06`` and so on."""
    months = stems(folder, "20??-??")
    return [WHOLE, *months] if months else []


def load(folder: Path, name: str) -> LabelledStream:
    """One month, or ``all``: then the first month is for training.

    The customer is the entity, the terminal a category, the amount the one feature; ``kind`` is the fraud's scenario.
    Raises DatasetMissing and FileFormatError.
    """
    months = parts(folder)[1:] if name == WHOLE else [name]
    tables = [table_in(folder, month, COLUMNS).select(COLUMNS) for month in months]
    # Copies of the set differ in the order of transactions of the same second.
    table = pa.concat_tables(tables).sort_by([("TX_DATETIME", "ascending"), ("TRANSACTION_ID", "ascending")])
    label = table.column("TX_FRAUD").to_numpy().astype(np.int8)
    events = EventBatch.from_columns(
        table.column("TX_AMOUNT").to_numpy().astype(float)[:, None],
        ["TX_AMOUNT"],
        timestamps=microseconds(table.column("TX_DATETIME"), "TX_DATETIME"),
        event_ids=_words(table, "TRANSACTION_ID"),
        event_types="transaction",
        entities=_words(table, "CUSTOMER_ID"),
        categories={"TERMINAL_ID": _words(table, "TERMINAL_ID")},
    )
    kind = [SCENARIOS[number] for number in table.column("TX_FRAUD_SCENARIO").to_pylist()]
    train = len(tables[0]) if len(tables) > 1 else 0
    meta = {"set": "card_fraud", "label_delay_us": LABEL_DELAY_US, "months": months}
    return LabelledStream(name, events, label, kind, train=train, meta=meta)


def _words(table: pa.Table, column: str) -> pa.Array:
    return table.column(column).cast(pa.string()).combine_chunks()
