"""The fixed strengths of the injected anomalies, read from ``strengths.yaml``."""

from functools import cache
from importlib.resources import files
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field

from snnlab.errors import ConfigError

__all__ = ["Strength", "Strengths", "strengths"]


class Strength(BaseModel):
    """How one anomaly type is injected; a field that a type does not use keeps its neutral value."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: tuple[int, int] = (1, 1)
    lead: tuple[float, ...] = ()
    first: float = 1.0
    step: float = 0.0
    factor: tuple[float, float] = (1.0, 1.0)
    shift: tuple[float, float] = (0.0, 0.0)
    gap: tuple[float, float] = (1.0, 1.0)
    hours: tuple[float, float] = (0.0, 24.0)
    temperature: tuple[float, float] = (0.0, 0.0)
    humidity: tuple[float, float] = (0.0, 0.0)
    vibration: tuple[float, float] = (1.0, 1.0)
    pressure: tuple[float, float] = (1.0, 1.0)
    victims: float = Field(default=1.0, gt=0, le=1)
    swaps: float = Field(default=0.5, ge=0, le=1)


class Strengths(BaseModel):
    """The strengths of one domain, and the shares that all domains have in common."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    share: float
    train: float
    margin: int
    types: dict[str, Strength]

    def quota(self, events: int) -> int:
        """Labelled events of each type in a stream of ``events``."""
        return max(int(self.share * events), 1)

    def __getitem__(self, kind: str) -> Strength:
        return self.types[kind]


@cache
def strengths(domain: str) -> Strengths:
    """The strengths of a domain's four anomaly types.

    Raises ConfigError for a domain without a generator.

    >>> strengths("security").quota(20_000), strengths("sensor")["equipment_malfunction"].run
    (42, (2, 3))
    """
    content: dict[str, Any] = yaml.safe_load(files(__package__).joinpath("strengths.yaml").read_text("utf-8"))
    shared = {name: content.pop(name) for name in ("share", "train", "margin")}
    if domain not in content:
        raise ConfigError(f"no generator for domain {domain!r}; there are {', '.join(content)}")
    return Strengths(types=content[domain], **shared)
