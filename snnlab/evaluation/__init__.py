"""Evaluation: prequential runs, metrics one a file, reports beside their baselines, benchmark protocols and cost.

A detector is judged on verdicts that it gave before it learnt. Labels are read here and nowhere below.
"""

from snnlab.evaluation.confusion import Confusion, confusion
from snnlab.evaluation.cost import Energy, Operations, energy
from snnlab.evaluation.figures import Figure, document, machine
from snnlab.evaluation.measuring import Cost, measured
from snnlab.evaluation.prequential import run
from snnlab.evaluation.quality import Alarms, Quality, TypeQuality
from snnlab.evaluation.report import Report, evaluate, evaluate_scores

__all__ = [
    "Alarms",
    "Confusion",
    "Cost",
    "Energy",
    "Figure",
    "Operations",
    "Quality",
    "Report",
    "TypeQuality",
    "confusion",
    "document",
    "energy",
    "evaluate",
    "evaluate_scores",
    "machine",
    "measured",
    "run",
]
