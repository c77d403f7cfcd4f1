"""ASD, the Application Server Dataset: servers with 19 metrics every five minutes.

Li et al.: Multivariate time series anomaly detection and interpretation using hierarchical inter-metric and temporal
embedding, KDD 2021; MIT. Each server has thirty days without labels for training and fifteen with.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Float64

from snnlab.datasets.folder import stems, table_in
from snnlab.datasets.labelled import LabelledStream
from snnlab.events import EventBatch

__all__ = ["METRICS", "load", "parts"]

METRICS = tuple(f"m{i}" for i in range(19))
STEP_US = 5 * 60 * 1_000_000


def parts(folder: Path) -> list[str]:
    """Names of the servers that are there: ``omi-1`` and so on."""
    return [name.removesuffix("_test") for name in stems(folder, "omi-*_test")]


def load(folder: Path, name: str) -> LabelledStream:
    """One server, its training rows and then its test rows as one stream. Raises DatasetMissing and FileFormatError."""
    train = table_in(folder, f"{name}_train", METRICS)
    test = table_in(folder, f"{name}_test", (*METRICS, "label"))
    values = np.concatenate([_metrics(train), _metrics(test)])
    truth = test.column("label").to_numpy().astype(np.int8)
    label = np.concatenate([np.zeros(len(train), dtype=np.int8), truth])
    times = np.arange(len(values), dtype=np.int64) * STEP_US
    events = EventBatch.from_columns(values, METRICS, timestamps=times)
    return LabelledStream(name, events, label, train=len(train), meta={"set": "asd"})


def _metrics(table: pa.Table) -> Float64[np.ndarray, "n 19"]:
    return np.column_stack([table.column(metric).to_numpy() for metric in METRICS]).astype(float)
