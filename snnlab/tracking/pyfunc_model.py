"""The file that MLflow keeps beside a detector and runs to load it: the code of the model, as code.

``mlflow.pyfunc.load_model(uri).predict(frame)`` scores a DataFrame with the columns of the signature. The detector
is stateful: calls follow each other as a stream does, and ``params={"learn": True}`` lets it learn as it goes.
"""

from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext

from snnlab.tracking.loading import verified
from snnlab.tracking.signature import events_of_frame, frame_of_verdicts


class DetectorModel(PythonModel):  # type: ignore[misc]  # MLflow has no types here
    """A saved detector behind MLflow's interface."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the detector, if its bytes are those that were logged."""
        self.detector = verified(context.artifacts["detector"], context.model_config["digest"])

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """One row an event: event_id, timestamp, entity, score, severity, anomaly, type."""
        batch = events_of_frame(self.detector, model_input)
        return frame_of_verdicts(self.detector.process(batch, learn=bool((params or {}).get("learn", False))))


set_model(DetectorModel())
