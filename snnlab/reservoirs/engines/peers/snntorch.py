"""snnTorch as an engine: its recurrent synaptic neuron, on the processor or on CUDA.

J. K. Eshraghian et al., Training spiking neural networks using lessons from deep learning, Proc. IEEE 2023. Its
``RSynaptic`` decays exactly; it takes a tick's spikes in before it updates the membrane, so it is given them a tick
later, and weights carry ``P21``. Reset, refractory period and bias, which it has not or not so, are kept beside it.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, final

from snnlab.reservoirs.engines.peers.torch_batch import Cell, Constants
from snnlab.reservoirs.engines.peers.torch_engine import TorchEngine

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
class SnnTorch(TorchEngine):
    """Runs networks in snnTorch, many entities at once, on ``device``: ``cpu``, ``cuda`` or ``cuda:<number>``.

    It learns nothing here. Its weights are a dense matrix: 4 or 8 bytes times the square of the neurons.

    Raises ConfigError where there is no such device, EngineMissing where snnTorch is not installed.
    """

    name: ClassVar[str] = "snntorch"
    cell: ClassVar[type[Cell]] = SnnTorchCell
