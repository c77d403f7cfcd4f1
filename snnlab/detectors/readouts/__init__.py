"""Readouts: what each event's features, codes and spikes say about how surprising it is, one readout a file."""

from snnlab.detectors.readouts.base import Inputs, Pool, Readout, Shape
from snnlab.detectors.readouts.change import Change
from snnlab.detectors.readouts.context import Context
from snnlab.detectors.readouts.extreme import Extreme
from snnlab.detectors.readouts.joint import Joint
from snnlab.detectors.readouts.level import Level
from snnlab.detectors.readouts.novelty import Novelty
from snnlab.detectors.readouts.phase import Phase
from snnlab.detectors.readouts.predictive import Predictive
from snnlab.detectors.readouts.reputation import Reputation

__all__ = [
    "KINDS",
    "Change",
    "Context",
    "Extreme",
    "Inputs",
    "Joint",
    "Level",
    "Novelty",
    "Phase",
    "Pool",
    "Predictive",
    "Readout",
    "Reputation",
    "Shape",
]

KINDS: dict[str, type[Readout]] = {
    readout.kind: readout
    for readout in (Novelty, Phase, Level, Change, Extreme, Joint, Context, Reputation, Predictive)
}
"""Every readout by its kind."""
