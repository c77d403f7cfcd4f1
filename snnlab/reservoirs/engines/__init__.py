"""Engines run a network; all answer the same calls.

``native`` serves; ``cuda`` is the same on a CUDA device, for many entities at once; the others are peers, for research.
"""

from importlib.util import find_spec
from typing import Any

from snnlab.errors import ConfigError
from snnlab.reservoirs.engines.base import Activity, Attached, Engine, Forwarding, Raster

__all__ = ["NAMES", "Activity", "Attached", "Engine", "Forwarding", "Raster", "engine", "installed"]

NAMES = ("native", "cuda", "brian2", "nest", "norse", "snntorch")
_PACKAGES = {"cuda": "numba_cuda"}


def installed() -> tuple[str, ...]:
    """The engines whose packages are on this machine.

    >>> installed()[0]
    'native'
    """
    return tuple(name for name in NAMES if name == "native" or find_spec(_PACKAGES.get(name, name)) is not None)


def engine(name: str = "native", **options: Any) -> Engine:  # noqa: ANN401 - each engine's own
    """The engine of that name: ``brian2`` takes ``target``, ``nest`` ``threads``, the three on CUDA a ``device``.

    A peer's package is imported here, and only here. Raises ConfigError on an unknown name or option, EngineMissing
    where the package is not installed.

    >>> engine("native").name
    'native'
    """
    if name not in NAMES:
        raise ConfigError(f"unknown engine {name!r}; there is {', '.join(NAMES)}")
    try:
        found: Engine = _class(name)(**options)
    except TypeError as error:
        raise ConfigError(f"engine {name!r} does not take {options}: {error}") from error
    return found


def _class(name: str) -> type[Any]:
    if name == "native":
        from snnlab.reservoirs.engines.native.engine import Native

        return Native
    if name == "cuda":
        from snnlab.reservoirs.engines.cuda.engine import Cuda

        return Cuda
    if name == "brian2":
        from snnlab.reservoirs.engines.peers.brian2 import Brian2

        return Brian2
    if name == "nest":
        from snnlab.reservoirs.engines.peers.nest import Nest

        return Nest
    if name == "norse":
        from snnlab.reservoirs.engines.peers.norse import Norse

        return Norse
    from snnlab.reservoirs.engines.peers.snntorch import SnnTorch

    return SnnTorch
