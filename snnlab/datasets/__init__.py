"""Streams with their truth: files of one's own, the public labelled sets, and seeded generators for each domain."""

from snnlab.datasets.files import read_events
from snnlab.datasets.labelled import LabelledStream

__all__ = ["LabelledStream", "read_events"]
