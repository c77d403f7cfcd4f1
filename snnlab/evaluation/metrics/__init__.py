"""Metrics of detection quality, one a file. Higher scores are more anomalous everywhere; labels are 0 or 1."""

from snnlab.evaluation.metrics.average_precision import average_precision, precision_recall_curve
from snnlab.evaluation.metrics.card_precision import CardPrecision, card_precision_at_k
from snnlab.evaluation.metrics.case_f1 import case_best_f1, case_scores
from snnlab.evaluation.metrics.changepoint_nab import changepoint_nab, changes
from snnlab.evaluation.metrics.detection_delay import Delay, detection_delay
from snnlab.evaluation.metrics.false_alarms import false_alarms_per_day, false_alarms_per_events
from snnlab.evaluation.metrics.labelled import segments
from snnlab.evaluation.metrics.nab import PROFILES, NabFile, NabScore, nab
from snnlab.evaluation.metrics.point import BestF1, PointCounts, best_f1, point_counts
from snnlab.evaluation.metrics.range_f1 import RangeScores, best_range_f1, range_scores
from snnlab.evaluation.metrics.roc_auc import roc_auc
from snnlab.evaluation.metrics.vus_pr import vus_pr

__all__ = [
    "PROFILES",
    "BestF1",
    "CardPrecision",
    "Delay",
    "NabFile",
    "NabScore",
    "PointCounts",
    "RangeScores",
    "average_precision",
    "best_f1",
    "best_range_f1",
    "card_precision_at_k",
    "case_best_f1",
    "case_scores",
    "changepoint_nab",
    "changes",
    "detection_delay",
    "false_alarms_per_day",
    "false_alarms_per_events",
    "nab",
    "point_counts",
    "precision_recall_curve",
    "range_scores",
    "roc_auc",
    "segments",
    "vus_pr",
]
