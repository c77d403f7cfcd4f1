"""Whether arrays, rasters and events fit a network: what every engine asks before it runs."""

import numpy as np

from snnlab.errors import ConfigError
from snnlab.reservoirs.network import Network
from snnlab.types import Array, Arrays

__all__ = ["bad_events", "check_raster", "check_row", "state_of", "weights_of"]


def weights_of(network: Network, learned: Arrays) -> Array:
    """The recurrent weights that a run takes, flat: what was learnt, or the network's own. Raises ConfigError."""
    weights = learned["weights"] if network.plastic else network.synapses
    kind = np.dtype(np.int8) if network.quantised else network.real
    if weights.shape != network.targets.shape or weights.dtype != kind or not weights.flags.carray:
        raise ConfigError(
            f"learned weights are {weights.dtype} {weights.shape}; this network learns writable "
            f"{network.real} {network.targets.shape}: take them from network.fresh_learned()"
        )
    return weights.reshape(-1)


def state_of(network: Network, state: Arrays) -> tuple[Array, ...]:
    """Membranes, currents, adaptation, ages and traces, a row an entity. Raises ConfigError."""
    arrays = state["membrane"], state["current"], state["adaptation"], state["age"]
    capacity, n = arrays[0].shape[0], network.n_neurons
    traces = len(network.rule.traces)
    expected = [(capacity, n)] * 4 + [(capacity, traces, n)]
    own = (*arrays, state["traces"] if traces else np.zeros((capacity, 0, n), network.real))
    for array, shape in zip(own, expected, strict=True):
        if array.shape != shape or not array.flags.carray:
            raise ConfigError(
                f"a state of shape {array.shape} does not fit {n} neurons, or is read-only or not "
                "contiguous: take it from network.fresh_state(capacity)"
            )
    return own


def check_raster(network: Network, ptr: Array, address: Array) -> None:
    """Refuse an input raster that is none, or that names input neurons that are not there. Raises ConfigError."""
    if ptr.size < 1 or ptr[0] != 0 or ptr[-1] != address.size or (np.diff(ptr) < 0).any():
        raise ConfigError("ptr must rise from 0 to the number of addresses, one entry more than there are ticks")
    if address.size and not 0 <= int(address.min()) <= int(address.max()) < network.n_inputs:
        raise ConfigError(f"input neurons {address.min()} to {address.max()}; there are 0 to {network.n_inputs - 1}")


def check_row(state: Arrays, row: int) -> None:
    """Refuse a row that the state has not. Raises ConfigError."""
    capacity = len(state["membrane"])
    if not 0 <= row < capacity:
        raise ConfigError(f"row {row} of a state of {capacity} rows")


def bad_events(network: Network, e: int, events: tuple[Array, ...], ticks: int, volleys: int = 0) -> str:
    """What is wrong with event ``e``, or with the shapes of all where it is their number.

    Addresses are those of the input neurons, and after them so many of volleys.
    """
    rows, address, when, gap = events
    if e == rows.size:
        return (
            f"{rows.size} rows, {gap.size} gaps, spikes {address.shape} at {when.shape}, {ticks} ticks: give every "
            "event one row, one gap, one line of spikes and of their ticks, and at least one tick"
        )
    return (
        f"event {e} has row {rows[e]}, gap {gap[e]}, spikes {address[e].tolist()} in ticks {when[e].tolist()}: rows "
        f"lie in the state, gaps are not negative, spikes are -1 (none) to {network.n_inputs + volleys - 1}, "
        f"ticks are 0 to {ticks - 1}"
    )
