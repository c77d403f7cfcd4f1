"""Workflows: train, evaluate, promote, retrain and replay as plain functions, and the pipelines that run them.

The notebooks in ``pipelines/`` call these functions; ``run_pipeline`` runs such a notebook through papermill, tracked
in MLflow. ``champions`` gives what a Bento is built from.
"""

from snnlab.workflows.champions import Champion, champions
from snnlab.workflows.evaluate import Evaluation, evaluate
from snnlab.workflows.pipeline import PipelineRun, run_pipeline
from snnlab.workflows.promote import promote
from snnlab.workflows.replay import replay
from snnlab.workflows.retrain import Retraining, retrain
from snnlab.workflows.source import load_stream
from snnlab.workflows.train import Training, train

__all__ = [
    "Champion",
    "Evaluation",
    "PipelineRun",
    "Retraining",
    "Training",
    "champions",
    "evaluate",
    "load_stream",
    "promote",
    "replay",
    "retrain",
    "run_pipeline",
    "train",
]
