"""Events to numbers: named features with their windows over each key's past, and the clock that turns time to ticks."""

from snnlab.features.clock import UNSEEN, Clock, Lateness
from snnlab.features.extract import FeatureBank, FeatureBlock
from snnlab.features.feature import Aggregate, Feature
from snnlab.features.symbols import symbol_of, symbols_of

__all__ = [
    "UNSEEN",
    "Aggregate",
    "Clock",
    "Feature",
    "FeatureBank",
    "FeatureBlock",
    "Lateness",
    "symbol_of",
    "symbols_of",
]
