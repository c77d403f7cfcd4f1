"""From codes and seconds to a labelled stream."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float64, Int64

from snnlab.datasets.labelled import LabelledStream
from snnlab.errors import ConfigError
from snnlab.events import EventBatch
from snnlab.types import Arrays

__all__ = ["BEGIN_US", "assemble", "check_request", "generators_of", "sorted_by_time", "words"]

BEGIN_US = 1_767_571_200_000_000
"""Monday 5 January 2026, 00:00 UTC: second 0 of every generated stream."""


def check_request(seed: int, events: int) -> None:
    """Raise ConfigError for a seed or a length that no stream can be made of."""
    if seed < 0:
        raise ConfigError(f"seed {seed} is negative; give 0 or more")
    if events < 500:
        raise ConfigError(f"{events} events are too few for a stream with habits; ask for 500 or more")


def generators_of(domain: str, seed: int, world: int | None) -> tuple[np.random.Generator, np.random.Generator]:
    """Two random sources: of the world (who the entities are) and of what happens in it."""
    code = int.from_bytes(domain.encode(), "big") % 2**32
    home = seed if world is None else world
    return np.random.default_rng([code, home]), np.random.default_rng([code, home, seed, 1])


def sorted_by_time(table: Arrays, keep: int | None = None) -> Arrays:
    """The rows of a table in the order of its ``seconds``, the first ``keep`` of them."""
    order = np.argsort(table["seconds"], kind="stable")[:keep]
    return {name: column[order] for name, column in table.items()}


def words(codes: Int64[np.ndarray, " n"], vocabulary: Sequence[str]) -> list[str | None]:
    """Words of codes; a negative code is an absent word.

    >>> words(np.array([1, -1, 0]), ("a", "b"))
    ['b', None, 'a']
    """
    known = [*vocabulary, None]
    return [known[code] for code in np.where(codes < 0, len(vocabulary), codes).tolist()]


def assemble(
    domain: str,
    seed: int,
    *,
    seconds: Float64[np.ndarray, " n"],
    columns: Mapping[str, Float64[np.ndarray, " n"]],
    entities: Sequence[str | None],
    event_types: Sequence[str | None],
    categories: Mapping[str, Sequence[str | None]],
    marks: Mapping[str, Bool[np.ndarray, " n"]],
    train: int,
    world: int | None,
) -> LabelledStream:
    """The stream of a domain; ``marks`` says for each anomaly type which events show it."""
    n = len(seconds)
    kind = np.full(n, "", dtype=object)
    for name, rows in marks.items():
        kind[rows] = name
    batch = EventBatch.from_columns(
        np.round(np.column_stack(list(columns.values())), 4),
        list(columns),
        timestamps=BEGIN_US + np.round(seconds * 1e6).astype(np.int64),
        event_ids=[f"{domain}-{seed}-{row}" for row in range(n)],
        event_types=[word or "" for word in event_types],
        entities=[word or "" for word in entities],
        categories=categories,
    )
    return LabelledStream(
        name=f"{domain}-{seed}",
        events=batch,
        label=(kind != "").astype(np.int8),
        kind=kind.tolist(),
        windows=None,
        train=train,
        meta={"domain": domain, "seed": seed, "world": seed if world is None else world, "generated": True},
    )
