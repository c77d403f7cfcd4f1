"""A detector's input and output as DataFrames, and the MLflow signature that says so."""

from typing import TYPE_CHECKING

from snnlab.detectors import Detector, Verdicts
from snnlab.events import EventBatch

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import ModelSignature

__all__ = ["columns_of", "events_of_frame", "frame_of_verdicts", "signature_of"]


def signature_of(detector: Detector) -> "ModelSignature":
    """Features are doubles, categories strings; id, time (µs since 1970 UTC), entity and type may be left out."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema

    optional = {"event_id": DataType.string, "timestamp": DataType.long, "entity": DataType.string}
    numbers, words = columns_of(detector)
    inputs = [ColSpec(DataType.double, name) for name in numbers]
    inputs += [ColSpec(DataType.string, name) for name in words]
    inputs += [ColSpec(kind, name, required=False) for name, kind in optional.items()]
    inputs.append(ColSpec(DataType.string, "event_type", required=False))
    outputs = [ColSpec(kind, name) for name, kind in optional.items()]
    outputs += [ColSpec(DataType.double, "score"), ColSpec(DataType.float, "severity")]
    outputs += [ColSpec(DataType.boolean, "anomaly"), ColSpec(DataType.string, "type")]
    params = ParamSchema([ParamSpec("learn", DataType.boolean, default=False)])
    return ModelSignature(Schema(inputs), Schema(outputs), params)


def events_of_frame(detector: Detector, frame: "pd.DataFrame") -> EventBatch:
    """The events of a DataFrame with the detector's columns; raises DataError for ones that do not fit."""
    import pyarrow as pa

    from snnlab.datasets.files import stream_of_table

    table = pa.Table.from_pandas(frame, preserve_index=False)
    numbers, words = columns_of(detector)
    return stream_of_table(table, "frame", features=[*numbers, *words]).events


def columns_of(detector: Detector) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the numeric and of the text columns that a detector reads, besides entity and event type."""
    features = detector.domain.features
    numbers = dict.fromkeys(f.numeric_column for f in features if f.numeric_column)
    words = dict.fromkeys(name for f in features for name in f.category_columns)
    return tuple(numbers), tuple(name for name in words if name not in {"entity", "event_type"})


def frame_of_verdicts(verdicts: Verdicts) -> "pd.DataFrame":
    """Verdicts as the table that ``snnlab score`` writes, one row an event in the order of the input."""
    import pandas as pd

    names = ("event_id", "timestamp", "entity", "score", "severity", "anomaly", "type")
    return pd.DataFrame({name: getattr(verdicts, name) for name in names})
