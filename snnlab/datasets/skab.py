"""SKAB, the Skoltech Anomaly Benchmark: 34 runs of a water-circulation testbed, eight sensors, once a second.

Katser, Kozitsin: Skoltech Anomaly Benchmark, Kaggle 2020; GPL-3.0. The first 400 rows of each run are for training, the
rest are judged point by point. Flagging everything gets F1 .698: never read F1 without the rate of false alarms.
"""

from pathlib import Path

import numpy as np

from snnlab.datasets.folder import stems, table_in
from snnlab.datasets.labelled import LabelledStream
from snnlab.datasets.times import microseconds
from snnlab.events import EventBatch

__all__ = ["SENSORS", "TRAINING_ROWS", "load", "parts"]

SENSORS = (
    "Accelerometer1RMS",
    "Accelerometer2RMS",
    "Current",
    "Pressure",
    "Temperature",
    "Thermocouple",
    "Voltage",
    "Volume Flow RateRMS",
)
TRAINING_ROWS = 400


def parts(folder: Path) -> list[str]:
    """Names of the labelled runs that are there: ``valve1/0``… The run without anomalies is not one of them."""
    return [name for group in ("valve1", "valve2", "other") for name in stems(folder, f"{group}/*")]


def load(folder: Path, name: str) -> LabelledStream:
    """One run; ``meta["changepoints"]`` are the rows of its changepoints.

    ``anomaly-free/anomaly-free`` is a run without labels. Raises DatasetMissing and FileFormatError.
    """
    labelled = not name.startswith("anomaly-free")
    truth = ("anomaly", "changepoint") if labelled else ()
    table = table_in(folder, name, ("datetime", *SENSORS, *truth))
    events = EventBatch.from_columns(
        np.column_stack([table.column(sensor).to_numpy() for sensor in SENSORS]),
        SENSORS,
        timestamps=microseconds(table.column("datetime"), "datetime"),
    )
    anomaly, changepoint = (
        table.column(column).to_numpy().astype(np.int8) if labelled else np.zeros(len(events), dtype=np.int8)
        for column in ("anomaly", "changepoint")
    )
    group, _, _ = name.partition("/")
    meta = {"set": "skab", "group": group, "changepoints": np.flatnonzero(changepoint).tolist()}
    train = min(TRAINING_ROWS, len(events)) if labelled else len(events)
    return LabelledStream(name, events, anomaly, train=train, meta={**meta, "labelled": labelled})
