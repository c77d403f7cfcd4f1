"""Detectors: features, spikes, reservoir, readouts and a calibrated threshold, composed."""

from snnlab.detectors.detector import DeadLetter, Detector
from snnlab.detectors.verdicts import Verdicts

__all__ = ["DeadLetter", "Detector", "Verdicts"]
