"""What every engine around another simulator answers in the same way; each says how it simulates rows of a state."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from jaxtyping import Int32, Int64

from snnlab.reservoirs.engines.base import Activity, Attached, Forwarding, Raster
from snnlab.reservoirs.engines.peers.drive import drive_rows
from snnlab.reservoirs.engines.peers.run import refuse_learning
from snnlab.reservoirs.network import Network
from snnlab.types import Array, Arrays

__all__ = ["PeerEngine"]


class PeerEngine(ABC):
    """An engine that simulates: it drives events as rasters, without learning. See :class:`..base.Engine`."""

    name: ClassVar[str]

    def warm(self, network: Network) -> None:
        """See :meth:`..base.Engine.warm`; a simulator builds, and may compile, for each run."""
        del network

    def attach(self, network: Network, learned: Arrays, state: Arrays) -> Attached:
        """See :meth:`..base.Engine.attach`."""
        return Forwarding(self, network, learned, state)

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
        """See :mod:`.drive`: each entity's events as one raster, and without learning."""
        events = rows, spikes_address, spikes_tick, gap
        refuse_learning(self.name, network, learn=learn)
        return drive_rows(
            self.name, network, len(state["membrane"]), events, ticks,
            lambda whose, rasters: self.simulate_rows(network, learned, state, whose, rasters),
        )  # fmt: skip

    def simulate(
        self,
        network: Network,
        learned: Arrays,
        state: Arrays,
        row: int,
        raster_in: tuple[Int64[np.ndarray, " t+1"], Int32[np.ndarray, " s"]],
        learn: bool = False,
    ) -> Raster:
        """See :meth:`..base.Engine.simulate`."""
        return self.simulate_rows(network, learned, state, [row], [raster_in], learn=learn)[0]

    @abstractmethod
    def simulate_rows(
        self,
        network: Network,
        learned: Arrays,
        state: Arrays,
        rows: Sequence[int],
        rasters: Sequence[tuple[Array, Array]],
        *,
        learn: bool = False,
    ) -> list[Raster]:
        """Simulate several entities, each with its own input. Raises ConfigError as :meth:`simulate` does."""
