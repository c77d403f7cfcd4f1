"""Values to spikes: one code a file, frozen; what a code learns of its input's range lives in named arrays beside it."""

from snnlab.encoders.base import Encoder, Spikes
from snnlab.encoders.category import Category
from snnlab.encoders.delta import Delta
from snnlab.encoders.population import Population
from snnlab.encoders.registry import KINDS, encoder_from_json, register
from snnlab.encoders.time_of_day import TimeOfDay
from snnlab.encoders.time_of_week import TimeOfWeek

for _cls in (Population, Delta, Category, TimeOfDay, TimeOfWeek):
    register(_cls)

__all__ = [
    "KINDS",
    "Category",
    "Delta",
    "Encoder",
    "Population",
    "Spikes",
    "TimeOfDay",
    "TimeOfWeek",
    "encoder_from_json",
    "register",
]
