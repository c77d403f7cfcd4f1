"""Events on an engine that only simulates: each entity's events, one after the other, as one raster.

It learns nothing, because entities that learn together would have to take turns at every event. A gap is run tick by
tick to its end, where ``native`` stops after ``reservoir.settle_ticks`` and decays the rest.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Int32, Int64

from snnlab.errors import ConfigError
from snnlab.reservoirs.engines.base import Activity, Raster
from snnlab.reservoirs.engines.fitting import bad_events
from snnlab.reservoirs.network import Network
from snnlab.types import Array

__all__ = ["LONGEST", "Rows", "drive_rows"]

LONGEST = 1_000_000
"""Most ticks that an entity is simulated in one call."""

Rows = Callable[[Sequence[int], Sequence[tuple[Array, Array]]], Sequence[Raster]]
"""Simulates rows of the state, each with its own input raster."""


def drive_rows(
    name: str, network: Network, capacity: int, events: tuple[Array, Array, Array, Array], ticks: int, simulate: Rows
) -> Activity:
    """Drive ``events`` (rows, addresses, ticks of spikes, gaps). Raises ConfigError as an engine's ``drive`` does."""
    rows, address, when, gap = (np.asarray(column) for column in events)
    _check(name, network, capacity, (rows, address, when, gap), ticks)
    entities = [np.flatnonzero(rows == row) for row in np.unique(rows)]
    begins = [np.cumsum(gap[own] + ticks) - ticks for own in entities]
    inputs = [_raster(begin, address[own], when[own], ticks) for own, begin in zip(entities, begins, strict=True)]
    found = simulate([int(rows[own[0]]) for own in entities], inputs) if entities else []
    counts = np.zeros((rows.size, network.n_neurons), np.int64)
    for own, begin, raster in zip(entities, begins, found, strict=True):
        event = np.searchsorted(begin, raster.tick, side="right") - 1
        in_time = (event >= 0) & (raster.tick - begin[event] < ticks)
        np.add.at(counts, (own[event[in_time]], raster.neuron[in_time]), 1)
    event, neuron = np.nonzero(counts)
    return Activity(
        np.searchsorted(event, np.arange(rows.size + 1)).astype(np.int64),
        neuron.astype(np.int32),
        np.minimum(counts[event, neuron], 255).astype(np.uint8),
        sum(raster.tick.size for raster in found),
        sum(raster.synaptic_events for raster in found),
    )


def _raster(
    begin: Int64[np.ndarray, " n"], address: Int32[np.ndarray, "n m"], when: Int32[np.ndarray, "n m"], ticks: int
) -> tuple[Int64[np.ndarray, " t+1"], Int32[np.ndarray, " s"]]:
    given = address >= 0
    at = (begin[:, None] + when)[given]
    order = np.argsort(at, kind="stable")
    length = int(begin[-1]) + ticks
    return np.searchsorted(at[order], np.arange(length + 1)), address[given][order]


def _check(name: str, network: Network, capacity: int, events: tuple[Array, ...], ticks: int) -> None:
    rows, address, when, gap = events
    n = rows.size
    if address.shape != when.shape or len(address) != n or gap.shape != (n,) or ticks < 1:
        raise ConfigError(bad_events(network, n, events, ticks))
    given = address != -1
    bad = (rows < 0) | (rows >= capacity) | (gap < 0)
    bad |= ((address < -1) | (address >= network.n_inputs) | (given & ((when < 0) | (when >= ticks)))).any(axis=1)
    if bad.any():
        raise ConfigError(bad_events(network, int(bad.argmax()), events, ticks))
    if n and (total := np.bincount(rows, gap + ticks)).max() > LONGEST:
        raise ConfigError(
            f"engine {name!r} would simulate {int(total.max())} ticks of row {int(total.argmax())}, gaps included, and "
            f"simulates {LONGEST} at most: drive fewer events at once, shorten their gaps, or use engine 'native', "
            "which lets a gap decay at once"
        )
