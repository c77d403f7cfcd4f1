"""Norse as an engine: its refractory LIF cell, on the processor or on CUDA.

C. Pehle & J. E. Pedersen, Norse, a deep learning library for spiking neural networks, 2021. Norse integrates by a step
of forward Euler; with rates ``1 - exp(-tick / tau)`` that step *is* the exact decay, and with weights scaled by
``P21 / P20`` so is the way from current to membrane: the same spikes, up to rounding.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from jaxtyping import Int32, Int64

from snnlab.reservoirs.engines.base import Activity, Attached, Forwarding, Raster
from snnlab.reservoirs.engines.peer import Run, needed, refuse_learning
from snnlab.reservoirs.engines.peer_drive import drive_rows
from snnlab.reservoirs.engines.torch_batch import Constants, device_of, simulate_batch
from snnlab.reservoirs.network import Network
from snnlab.types import Array, Arrays

__all__ = ["Norse", "NorseCell"]


class NorseCell:
    """``lif_refrac_step`` with a tick of one; a :class:`.torch_batch.Cell`."""

    def __init__(self, constants: Constants) -> None:
        import torch
        from norse.torch.functional import lif, lif_refrac

        step, of = constants.run.network.lif.propagators, constants.run.network.lif
        self._scale = step.current_to_membrane / step.bias
        self._recurrent, self._delta = constants.recurrent * self._scale, constants.delta
        self._inputs, self._none = constants.inputs, constants.inputs[:, :0]
        real = {"dtype": self._recurrent.dtype, "device": self._recurrent.device}
        decays = (torch.tensor(-np.expm1(-of.tick / tau), **real) for tau in (of.tau_synapse, of.tau_membrane))
        reset = torch.tensor(of.v_reset, **real)
        self._lif = lif.LIFParameters(*decays, v_leak=constants.bias, v_th=reset, v_reset=reset)
        self._refractory = torch.tensor(float(of.refractory), **real)
        self._module, self._lif_module = lif_refrac, lif

    def begin(self, membrane: Any, current: Any, left: Any) -> None:  # noqa: ANN401
        """See :meth:`.torch_batch.Cell.begin`."""
        self._state: Any = self._module.LIFRefracState(
            self._lif_module.LIFState(membrane * 0, membrane, current * self._scale), left
        )

    def step(self, arrived: Any, given: Any, threshold: Any) -> Any:  # noqa: ANN401
        """See :meth:`.torch_batch.Cell.step`. Norse fires above its threshold, so it is told the number just below."""
        import torch

        before: Any = self._state.lif
        left = self._state.rho
        spikes, weights = arrived[:, :0], self._none
        if given is not None and self._delta:
            before = before._replace(v=before.v + (left == 0) * (given @ self._inputs.T))
        elif given is not None:
            spikes, weights = given, self._inputs * self._scale
        constants = self._lif._replace(v_th=torch.nextafter(threshold, self._lif.v_reset))
        fired, self._state = self._module.lif_refrac_step(
            spikes,
            self._module.LIFRefracState(before._replace(z=arrived), left),
            weights,
            self._recurrent,
            self._module.LIFRefracParameters(constants, self._refractory),
            dt=1.0,
        )
        return fired

    def end(self, arrived: Any) -> tuple[Any, Any]:  # noqa: ANN401
        """See :meth:`.torch_batch.Cell.end`."""
        return self._state.lif.v, (self._state.lif.i + arrived @ self._recurrent.T) / self._scale


@final
@dataclass(frozen=True)
class Norse:
    """Runs networks in Norse, many entities at once, on ``device``: ``cpu``, ``cuda`` or ``cuda:<number>``.

    It learns nothing here. Its weights are a dense matrix: 4 or 8 bytes times the square of the neurons.

    Raises ConfigError where there is no such device, EngineMissing where Norse is not installed.
    """

    device: str = "cpu"

    name: ClassVar[str] = "norse"

    def __post_init__(self) -> None:
        """Check the device and that Norse is there."""
        device_of(self.device, self.name)
        needed("norse", self.name, "norse")

    def warm(self, network: Network) -> None:
        """See :meth:`.base.Engine.warm`; there is nothing to load."""

    def attach(self, network: Network, learned: Arrays, state: Arrays) -> Attached:
        """See :meth:`.base.Engine.attach`."""
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
        """See :mod:`.peer_drive`: all entities at once, and without learning."""
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
        """See :meth:`.base.Engine.simulate`."""
        return self.simulate_rows(network, learned, state, [row], [raster_in], learn=learn)[0]

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
        """Simulate several entities at once, each with its own input. Raises ConfigError as :meth:`simulate` does."""
        runs = [Run.of(network, learned, state, row, given, learn) for row, given in zip(rows, rasters, strict=True)]
        return simulate_batch(self.name, runs, state, rows, NorseCell, device_of(self.device, self.name))
