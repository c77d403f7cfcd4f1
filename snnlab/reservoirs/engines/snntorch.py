"""snnTorch as an engine: its recurrent synaptic neuron, on the processor or on CUDA.

J. K. Eshraghian et al., Training spiking neural networks using lessons from deep learning, Proc. IEEE 2023. Its
``RSynaptic`` decays exactly; it takes a tick's spikes in before it updates the membrane, so it is given them a tick
later, and weights carry ``P21``. Reset, refractory period and bias, which it has not or not so, are kept beside it.
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

__all__ = ["SnnTorch", "SnnTorchCell"]


class SnnTorchCell:
    """``RSynaptic`` without a reset of its own; a :class:`.torch_batch.Cell`."""

    def __init__(self, constants: Constants) -> None:
        import torch
        from snntorch import RSynaptic
        from torch import nn

        self._lif, self._delta = constants.run.network.lif, constants.delta
        step, n = self._lif.propagators, constants.run.network.n_neurons
        self._neuron: Any = RSynaptic(
            alpha=step.current, beta=step.membrane, linear_features=1, reset_mechanism="none"
        )  # sized 1: the weights that it would draw for all are thrown away
        self._neuron.recurrent = nn.Linear(n, n, bias=False, device="meta")
        weights = constants.recurrent * step.current_to_membrane
        self._neuron.recurrent.weight = nn.Parameter(weights, requires_grad=False)
        self._neuron.alpha, self._neuron.beta = (
            torch.tensor(decay, dtype=weights.dtype, device=weights.device) for decay in (step.current, step.membrane)
        )
        self._inputs = constants.inputs if self._delta else constants.inputs * step.current_to_membrane
        self._bias = constants.bias * (step.bias / step.membrane)
        self._reset = torch.tensor(self._lif.v_reset, dtype=weights.dtype, device=weights.device)

    def begin(self, membrane: Any, current: Any, left: Any) -> None:  # noqa: ANN401
        """See :meth:`.torch_batch.Cell.begin`."""
        self._membrane, self._left, self._synapse = membrane, left, current * 0
        self._first = current * self._lif.propagators.current_to_membrane

    def step(self, arrived: Any, given: Any, threshold: Any) -> Any:  # noqa: ANN401
        """See :meth:`.torch_batch.Cell.step`. It fires above its threshold, so it is told the number just below."""
        import torch

        current, membrane, ready = self._first, self._membrane + self._bias, self._left == 0
        if given is not None:
            brought = given @ self._inputs.T
            current, membrane = (current, membrane + brought) if self._delta else (current + brought, membrane)
        self._first = torch.zeros_like(current)
        self._neuron.threshold = torch.nextafter(threshold, self._reset)
        fired, self._synapse, potential = self._neuron(current, arrived, self._synapse, membrane)
        fired = fired.to(potential.dtype) * ready  # its surrogates fire in float32
        self._membrane = torch.where(fired > 0, self._reset, torch.where(ready, potential, self._membrane))
        self._left = torch.where(fired > 0, self._lif.refractory, (self._left - 1).clamp(min=0))
        return fired

    def end(self, arrived: Any) -> tuple[Any, Any]:  # noqa: ANN401
        """See :meth:`.torch_batch.Cell.end`."""
        left = self._neuron.alpha * self._synapse + self._neuron.recurrent(arrived) + self._first
        return self._membrane, left / self._lif.propagators.current_to_membrane


@final
@dataclass(frozen=True)
class SnnTorch:
    """Runs networks in snnTorch, many entities at once, on ``device``: ``cpu``, ``cuda`` or ``cuda:<number>``.

    It learns nothing here. Its weights are a dense matrix: 4 or 8 bytes times the square of the neurons.

    Raises ConfigError where there is no such device, EngineMissing where snnTorch is not installed.
    """

    device: str = "cpu"

    name: ClassVar[str] = "snntorch"

    def __post_init__(self) -> None:
        """Check the device and that snnTorch is there."""
        device_of(self.device, self.name)
        needed("snntorch", self.name, "snntorch")

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
        return simulate_batch(self.name, runs, state, rows, SnnTorchCell, device_of(self.device, self.name))
