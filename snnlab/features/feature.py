"""One named feature of a stream: a column as it is, or an aggregate of it over a window and a key."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["Aggregate", "Feature"]

Aggregate = Literal[
    "value",  # the column itself
    "category",  # a category column, as a hashed symbol
    "change",  # difference to the key's last value; 0 for its first event
    "deviation",  # (value - the key's leaky mean) / the key's leaky deviation, shrunk to all keys while it is young
    "gap",  # log1p of seconds since the key's last event; the mean of all keys for its first event
    "count",  # leaky count of the key's events in the window, this one included
    "sum",  # leaky sum of the column in the window, this event included
    "mean",  # leaky mean of the column in the window, this event included
    "distinct",  # leaky count of category values that were new to the key's window
    "novel",  # 1 if the key has not shown this category value within the window, else 0; 0 for its first event
    "match",  # 1 if two category columns hold the same value
    "hour",  # seconds since midnight UTC
    "week",  # seconds since Monday 00:00 UTC
]

_CATEGORY = ("category", "distinct", "novel", "match")
_NUMERIC = ("value", "change", "deviation", "sum", "mean")


class Feature(BaseModel):
    """A named feature.

    ``column`` is the numeric or category column it reads (``event_type`` and ``entity`` are category columns too);
    ``other`` is the second column of ``match``; ``key`` is ``"entity"``, ``"stream"`` (one key for all)
    or the name of a category column (a window over another key, such as a fraud's terminal);
    ``window`` is the time constant of the leak in seconds; ``group`` is the group of evidence it belongs to;
    ``log`` takes sign(x) · log1p(|x|) of the column before it is aggregated; of the result where that is a count, sum
    or distinct. A ValidationError tells of an aggregate whose column is not named.

    >>> Feature(name="spend", aggregate="deviation", column="amount", window=86400.0, log=True).key
    'entity'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    aggregate: Aggregate = "value"
    column: str | None = None
    other: str | None = None
    key: str = "entity"
    window: float = Field(default=3600.0, gt=0, allow_inf_nan=False)
    group: str = "value"
    encoder: str | None = None
    log: bool = False

    @model_validator(mode="after")
    def _columns_named(self) -> Self:
        needs = self.aggregate in _CATEGORY or self.aggregate in _NUMERIC
        if needs and self.column is None:
            raise ValueError(f"feature {self.name!r}: {self.aggregate!r} reads a column; name it with column=")
        if self.aggregate == "match" and self.other is None:
            raise ValueError(f"feature {self.name!r}: 'match' compares two columns; name the second with other=")
        return self

    @property
    def numeric_column(self) -> str | None:
        """The numeric column it reads, or None."""
        return self.column if self.aggregate in _NUMERIC else None

    @property
    def category_columns(self) -> tuple[str, ...]:
        """The category columns it reads, its key's included."""
        read = [self.column, self.other if self.aggregate == "match" else None]
        named = [name for name in read if name is not None] if self.aggregate in _CATEGORY else []
        return tuple(named) if self.key in {"entity", "stream"} else (*named, self.key)
