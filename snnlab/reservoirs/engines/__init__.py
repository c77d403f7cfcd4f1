"""Engines run a network. ``native`` serves; every engine answers the same calls."""

from snnlab.errors import ConfigError
from snnlab.reservoirs.engines.base import Activity, Attached, Engine, Forwarding, Raster

__all__ = ["NAMES", "Activity", "Attached", "Engine", "Forwarding", "Raster", "engine"]

NAMES = ("native",)


def engine(name: str = "native") -> Engine:
    """The engine of that name. Raises ConfigError on an unknown one.

    >>> engine("native").name
    'native'
    """
    if name == "native":
        from snnlab.reservoirs.engines.native import Native

        return Native()
    raise ConfigError(f"unknown engine {name!r}; there is {', '.join(NAMES)}")
