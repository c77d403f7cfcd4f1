"""Every code by its name, and codes from JSON."""

from collections.abc import Mapping
from typing import TypeVar

from snnlab.encoders.base import Encoder
from snnlab.encoders.custom import is_custom
from snnlab.errors import ConfigError
from snnlab.types import Json

__all__ = ["KINDS", "encoder_from_json", "register"]

KINDS: dict[str, type[Encoder]] = {}
"""Encoder classes by ``kind``."""

E = TypeVar("E", bound=Encoder)


def register(cls: type[E]) -> type[E]:
    """Make an encoder class known by its ``kind``; works as a decorator.

    A new version of a user's class, of the same name, takes the place of the old. Raises ConfigError for a class
    without a ``kind``, and for a kind that belongs to another class.
    """
    kind = getattr(cls, "kind", None)
    if not isinstance(kind, str) or not kind:
        raise ConfigError(f'{cls.__name__} has no kind; give it `kind: ClassVar[str] = "its name"`')
    known = KINDS.get(kind)
    if known is not None and (known.__name__ != cls.__name__ or is_custom(cls) > is_custom(known)):
        raise ConfigError(f"kind {kind!r} of {cls.__name__} is taken by {known.__name__}; choose another kind")
    KINDS[kind] = cls
    return cls


def encoder_from_json(data: Json, kinds: Mapping[str, type[Encoder]] | None = None) -> Encoder:
    """The encoder that ``to_json`` wrote.

    ``kinds`` are looked at before the registered ones, so that two models in one process may each bring their own class
    of one kind. Raises ConfigError for an unknown kind or field.

    >>> encoder_from_json({"kind": "population", "fields": 12}).width
    12
    """
    known = {**KINDS, **(kinds or {})}
    fields = dict(data)
    kind = fields.pop("kind", None)
    if kind not in known:
        raise ConfigError(
            f"no encoder of kind {kind!r}; there are {', '.join(sorted(known))}: use one of them, "
            "or register your own with snnlab.encoders.register"
        )
    try:
        return known[kind](**fields)
    except ValueError as error:
        raise ConfigError(f"encoder {kind!r} cannot be made of {fields}: {error}") from error
