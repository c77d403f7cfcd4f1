"""One named feature of a stream: a column as it is, or an aggregate of it over a window and a key."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Aggregate", "Feature"]

Aggregate = Literal[
    "value",  # the column itself
    "category",  # a category column, as a hashed symbol
    "change",  # difference to the key's last value
    "deviation",  # (value - the key's leaky mean) / the key's leaky deviation
    "gap",  # log1p of seconds since the key's last event
    "count",  # leaky count of the key's events in the window
    "sum",  # leaky sum of the column in the window
    "mean",  # leaky mean of the column in the window
    "distinct",  # leaky count of category values that were new to the key's window
    "novel",  # 1 if the key has never shown this category value, else 0 (a decayed sketch)
    "match",  # 1 if two category columns hold the same value
    "hour",  # seconds since midnight UTC
]


class Feature(BaseModel):
    """A named feature.

    ``column`` is the numeric or category column it reads; ``key`` is ``"entity"``, ``"stream"`` (one key for all)
    or the name of a category column (a window over another key, such as a fraud's terminal);
    ``window`` is the time constant of the leak in seconds; ``group`` is the group of evidence it belongs to.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    aggregate: Aggregate = "value"
    column: str | None = None
    other: str | None = None
    key: str = "entity"
    window: float = Field(default=3600.0, gt=0)
    group: str = "value"
    encoder: str | None = None
    log: bool = False
