"""Norse as an engine: its refractory LIF cell, on the processor or on CUDA.

C. Pehle & J. E. Pedersen, Norse, a deep learning library for spiking neural networks, 2021. Norse integrates by a step
of forward Euler; with rates ``1 - exp(-tick / tau)`` that step *is* the exact decay, and with weights scaled by
``P21 / P20`` so is the way from current to membrane: the same spikes, up to rounding.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from snnlab.reservoirs.engines.peers.torch_batch import Cell, Constants
from snnlab.reservoirs.engines.peers.torch_engine import TorchEngine

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
class Norse(TorchEngine):
    """Runs networks in Norse, many entities at once, on ``device``: ``cpu``, ``cuda`` or ``cuda:<number>``.

    It learns nothing here. Its weights are a dense matrix: 4 or 8 bytes times the square of the neurons.

    Raises ConfigError where there is no such device, EngineMissing where Norse is not installed.
    """

    name: ClassVar[str] = "norse"
    cell: ClassVar[type[Cell]] = NorseCell
