"""What the engines on PyTorch share: a device, and all entities at once through one cell."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from snnlab.reservoirs.engines.base import Raster
from snnlab.reservoirs.engines.peers.engine import PeerEngine
from snnlab.reservoirs.engines.peers.run import Run, needed
from snnlab.reservoirs.engines.peers.torch_batch import Cell, device_of, simulate_batch
from snnlab.reservoirs.network import Network
from snnlab.types import Array, Arrays

__all__ = ["TorchEngine"]


@dataclass(frozen=True)
class TorchEngine(PeerEngine):
    """Many entities at once on ``device``: ``cpu``, ``cuda`` or ``cuda:<number>``; ``name`` is the library's too.

    Raises ConfigError where there is no such device, EngineMissing where the library is not installed.
    """

    device: str = "cpu"

    cell: ClassVar[type[Cell]]
    """Makes what steps all of them by a tick."""

    def __post_init__(self) -> None:
        """Check the device and that the library is there."""
        device_of(self.device, self.name)
        needed(self.name, self.name, self.name)

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
        """See :meth:`.engine.PeerEngine.simulate_rows`: at once."""
        runs = [Run.of(network, learned, state, row, given, learn) for row, given in zip(rows, rasters, strict=True)]
        return simulate_batch(self.name, runs, state, rows, self.cell, device_of(self.device, self.name))
