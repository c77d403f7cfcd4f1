"""What every engine does: run a network over events, or tick by tick, and say who fired."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Int32, Int64, UInt8

from snnlab.reservoirs.network import Network
from snnlab.types import Arrays

__all__ = ["Activity", "Attached", "Engine", "Forwarding", "Raster"]


@dataclass(frozen=True, eq=False)
class Activity:
    """Who fired in the ticks of each of ``n`` events.

    Event e's neurons are ``neuron[ptr[e]:ptr[e+1]]``, sorted, each once; ``counts`` are their spikes (255 at most).
    ``total_spikes``, ``synaptic_events`` and ``neuron_updates`` count all that the call did, gaps included: the base of
    an energy estimate. Ticks decayed at once are one update of each neuron; an engine that does not count says 0.
    """

    ptr: Int64[np.ndarray, " n+1"]
    neuron: Int32[np.ndarray, " s"]
    counts: UInt8[np.ndarray, " s"]
    total_spikes: int
    synaptic_events: int
    neuron_updates: int = 0

    def __len__(self) -> int:
        return self.ptr.size - 1


@dataclass(frozen=True, eq=False)
class Raster:
    """Spikes of one simulation in order: ``neuron[s]`` fired in ``tick[s]``, counted from the first simulated one."""

    tick: Int32[np.ndarray, " s"]
    neuron: Int32[np.ndarray, " s"]
    synaptic_events: int = 0
    neuron_updates: int = 0


class Attached(Protocol):
    """An engine that holds one shard's network, learned and state, checked once, so that a call costs little.

    It works on the very arrays that it was given: attach again where one of them is replaced (grown, restored). Its
    scratch and what it returns are its own, so one thread at a time may use it.
    """

    def drive(
        self,
        rows: Int32[np.ndarray, " n"],
        spikes_address: Int32[np.ndarray, "n m"],
        spikes_tick: Int32[np.ndarray, "n m"],
        gap: Int64[np.ndarray, " n"],
        ticks: int,
        learn: bool = True,
    ) -> Activity:
        """As :meth:`Engine.drive`, for contiguous arrays of these very types.

        The arrays of the answer are valid until the next call: copy what is to outlive it. Raises ConfigError as
        :meth:`Engine.drive` does; nothing has changed then.
        """


class Engine(Protocol):
    """Runs a network. It holds nothing: all that changes is in ``learned`` and ``state``, updated in place.

    Calls on different arrays may run on different threads at once. A stream driven whole, or in pieces, or with its
    arrays copied or saved in between, gives the same spikes and leaves the same arrays.
    """

    @property
    def name(self) -> str:
        """The name that ``engine()`` knows it by."""

    def warm(self, network: Network) -> None:
        """Do now what a first call would otherwise wait for, such as loading compiled code. Changes nothing."""

    def attach(self, network: Network, learned: Arrays, state: Arrays) -> Attached:
        """This engine on these arrays, which it goes on to update in place; see :class:`Attached`.

        Raises ConfigError where an array does not fit the network. Engines without a faster way return
        :class:`Forwarding`.
        """

    def drive(
        self,
        network: Network,
        learned: Arrays,
        state: Arrays,
        rows: Int32[np.ndarray, " n"],
        spikes_address: Int32[np.ndarray, "n m"],
        spikes_tick: Int32[np.ndarray, "n m"],
        gap: Int64[np.ndarray, " n"],
        ticks: int,
        learn: bool = True,
    ) -> Activity:
        """Run events in order, each on its entity's row of the state.

        An event first lets ``gap`` ticks pass without input, run until nothing can fire any more and then decayed in
        closed form, and then runs ``ticks`` ticks of its own, with input spikes at ``spikes_address`` (-1: none) in
        ``spikes_tick``. Raises ConfigError where an index is out of range or an array does not fit the network;
        nothing has changed then.
        """

    def simulate(
        self,
        network: Network,
        learned: Arrays,
        state: Arrays,
        row: int,
        raster_in: tuple[Int64[np.ndarray, " t+1"], Int32[np.ndarray, " s"]],
        learn: bool = False,
    ) -> Raster:
        """Run one entity tick by tick; the input neurons of tick t are ``address[ptr[t]:ptr[t+1]]``.

        Raises ConfigError as :meth:`drive` does.
        """


@dataclass(frozen=True, eq=False)
class Forwarding:
    """The plain way to attach: every call goes to the engine's own ``drive``, with all its checks."""

    engine: Engine
    network: Network
    learned: Arrays
    state: Arrays

    def drive(
        self,
        rows: Int32[np.ndarray, " n"],
        spikes_address: Int32[np.ndarray, "n m"],
        spikes_tick: Int32[np.ndarray, "n m"],
        gap: Int64[np.ndarray, " n"],
        ticks: int,
        learn: bool = True,
    ) -> Activity:
        """See :meth:`Attached.drive`."""
        return self.engine.drive(
            self.network, self.learned, self.state, rows, spikes_address, spikes_tick, gap, ticks, learn
        )
