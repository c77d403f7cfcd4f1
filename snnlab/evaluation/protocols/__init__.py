"""The protocols of six public sets and of generated streams, one a file: from a way to make detectors to figures.

Each has ``run(factory, root=None, ...) -> list[Figure]``. ``factory(stream)`` makes a fresh detector for a stream's
columns; it is not shown the truth by the protocol, and one configuration a domain must serve all files of a set.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from snnlab.errors import ConfigError
from snnlab.evaluation.figures import Figure
from snnlab.evaluation.protocols.judging import Factory, detectors_of

__all__ = ["PROTOCOLS", "Factory", "detectors_of", "protocol", "run"]

PROTOCOLS = ("generated", "nab", "skab", "asd", "nsl_kdd", "process_logs", "card_fraud")
"""Names of the sets, as in ``detection.<set>.<figure>``."""


def protocol(name: str) -> Callable[..., list[Figure]]:
    """The protocol of a set. Raises ConfigError for a name that is not one of :data:`PROTOCOLS`."""
    if name not in PROTOCOLS:
        raise ConfigError(f"there is no protocol for {name!r}; there is one for {', '.join(PROTOCOLS)}")
    run_one: Callable[..., list[Figure]] = import_module(f"snnlab.evaluation.protocols.{name}").run
    return run_one


def run(name: str, factory: Factory, root: Path | None = None) -> list[Figure]:
    """Figures of one set; raises DatasetMissing where it is not found under ``root`` (or ``SNNLAB_DATA``)."""
    return protocol(name)(factory, root)
