"""Values to spikes: one frozen code a file; what a code learns of its input lives in named arrays beside it."""

from snnlab.encoders.base import Encoder, Spikes, finite
from snnlab.encoders.category import Category
from snnlab.encoders.custom import digest, is_custom, load_source, source_of
from snnlab.encoders.delta import Delta
from snnlab.encoders.population import Population
from snnlab.encoders.rate import Rate
from snnlab.encoders.registry import KINDS, encoder_from_json, register
from snnlab.encoders.temporal import Temporal
from snnlab.encoders.time_of_day import TimeOfDay
from snnlab.encoders.time_of_week import TimeOfWeek

for _cls in (Rate, Temporal, Population, Delta, Category, TimeOfDay, TimeOfWeek):
    register(_cls)

__all__ = [
    "KINDS",
    "Category",
    "Delta",
    "Encoder",
    "Population",
    "Rate",
    "Spikes",
    "Temporal",
    "TimeOfDay",
    "TimeOfWeek",
    "digest",
    "encoder_from_json",
    "finite",
    "is_custom",
    "load_source",
    "register",
    "source_of",
]
