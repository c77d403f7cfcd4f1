"""Domains: what the events of a stream mean, as declarative data that travels with the model."""

from snnlab.domains.business import BUSINESS
from snnlab.domains.domain import AnomalyType, Domain, ReadoutSpec
from snnlab.domains.performance import PERFORMANCE
from snnlab.domains.security import SECURITY
from snnlab.domains.sensor import SENSOR
from snnlab.errors import ConfigError

__all__ = ["DOMAINS", "AnomalyType", "Domain", "ReadoutSpec", "domain"]

DOMAINS: dict[str, Domain] = {d.name: d for d in (SECURITY, PERFORMANCE, BUSINESS, SENSOR)}
"""The four domains by name."""


def domain(name: str) -> Domain:
    """One of the four domains.

    Raises:
        ConfigError: there is no domain of that name.

    >>> domain("sensor").name
    'sensor'
    """
    if name not in DOMAINS:
        raise ConfigError(
            f"no domain {name!r}; there are {', '.join(DOMAINS)}: name one, or build a Domain of your own"
        )
    return DOMAINS[name]
