"""Every code by its name, and codes from JSON."""

from typing import TypeVar

from snnlab.encoders.base import Encoder
from snnlab.errors import ConfigError
from snnlab.types import Json

__all__ = ["KINDS", "encoder_from_json", "register"]

KINDS: dict[str, type[Encoder]] = {}
"""Encoder classes by ``kind``."""

E = TypeVar("E", bound=Encoder)


def register(cls: type[E]) -> type[E]:
    """Make an encoder class known by its ``kind``; works as a decorator.

    The same class, or a new version of a class from a notebook cell, may be registered again; raises ConfigError for
    a class without a ``kind`` and for the kind of another class.
    """
    kind = getattr(cls, "kind", None)
    if not isinstance(kind, str) or not kind:
        raise ConfigError(f'{cls.__name__} has no kind; give it `kind: ClassVar[str] = "its name"`')
    known = KINDS.get(kind)
    if known is not None and known.__qualname__ != cls.__qualname__:
        raise ConfigError(f"kind {kind!r} of {cls.__name__} is taken by {known.__name__}; choose another kind")
    KINDS[kind] = cls
    return cls


def encoder_from_json(data: Json) -> Encoder:
    """The encoder that ``to_json`` wrote. Raises ConfigError for an unknown kind or field.

    >>> encoder_from_json({"kind": "population", "fields": 12}).width
    12
    """
    fields = dict(data)
    kind = fields.pop("kind", None)
    if kind not in KINDS:
        raise ConfigError(
            f"no encoder of kind {kind!r}; there are {', '.join(sorted(KINDS))}: use one of them, "
            "or register your own with snnlab.encoders.register"
        )
    try:
        return KINDS[kind](**fields)
    except ValueError as error:
        raise ConfigError(f"encoder {kind!r} cannot be made of {fields}: {error}") from error
