"""Metrics of detection quality, one a file. Higher scores are more anomalous everywhere; labels are 0 or 1."""

from snnlab.evaluation.metrics.average_precision import average_precision, precision_recall_curve
from snnlab.evaluation.metrics.nab import PROFILES, NabFile, NabScore, nab
from snnlab.evaluation.metrics.point import BestF1, PointCounts, best_f1, point_counts
from snnlab.evaluation.metrics.roc_auc import roc_auc
from snnlab.evaluation.metrics.vus_pr import vus_pr

__all__ = [
    "PROFILES",
    "BestF1",
    "NabFile",
    "NabScore",
    "PointCounts",
    "average_precision",
    "best_f1",
    "nab",
    "point_counts",
    "precision_recall_curve",
    "roc_auc",
    "vus_pr",
]
