"""Tracking: runs and models in MLflow, and the gate that a model passes to become champion.

``prepare`` opens the tracking store once; ``log_detector`` and ``load_detector`` are the MLflow flavour; ``promote``
compares a challenger with the champion and writes the decision to a history that only grows.
"""

from snnlab.tracking.connection import prepare, tracking_uri
from snnlab.tracking.flavour import ModelVersion, log_detector, registered
from snnlab.tracking.gate import Decision, decide
from snnlab.tracking.history import History
from snnlab.tracking.loading import load_detector
from snnlab.tracking.promotion import promote
from snnlab.tracking.runs import RunLog, create_run, finish_run, run

__all__ = [
    "Decision",
    "History",
    "ModelVersion",
    "RunLog",
    "create_run",
    "decide",
    "finish_run",
    "load_detector",
    "log_detector",
    "prepare",
    "promote",
    "registered",
    "run",
    "tracking_uri",
]
